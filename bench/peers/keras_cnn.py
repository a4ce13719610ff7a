#!/usr/bin/env python3
"""Trains the paper's CNN in Keras on a leuko split CSV: the peer that leuko's training is held against.

  keras_cnn.py --data DIR --split split.csv --out RUN [--epochs 35] [--batch 32] [--size 128]
               [--seed 1] [--threads 2]

DIR is the root that the paths of the split CSV (path,sha256,subject,label,part) are relative to.
The same settings as `leuko train --model cnn`: the whole image resized with Pillow's bilinear
filter, divided by 255; convolutions 3x3 without padding of 32, 64, 128, 128 filters, each with relu
and 2x2 max pooling; dense 512 relu; one logit; binary cross-entropy, Adam, both with Keras's
defaults; a new order every epoch; validation after every epoch.

RUN receives history.csv (epoch,loss,accuracy,val_loss,val_accuracy,seconds; a line as soon as its
epoch ends; seconds are training and validation together) and summary.json.
"""
import argparse
import csv
import hashlib
import json
import os
import time

POSITIVE = "ALL"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=35)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", default="/tmp", help="folder for the prepared images")
    return parser.parse_args()


def prepared_images(data, rows, size, cache):
    """uint8 [images][size][size][3] in the order of rows; kept in a file for the next run."""
    import numpy as np
    from PIL import Image

    key = hashlib.sha256()
    for row in rows:
        key.update((row["path"] + row["sha256"] + "\n").encode())
    path = os.path.join(cache, f"keras_cnn_{key.hexdigest()[:16]}_{size}.npy")
    if os.path.exists(path):
        return np.load(path)
    images = np.empty((len(rows), size, size, 3), np.uint8)
    for i, row in enumerate(rows):
        with Image.open(os.path.join(data, row["path"])) as image:
            images[i] = image.convert("RGB").resize((size, size), Image.BILINEAR)
    temporary = f"{path}.{os.getpid()}.npy"
    np.save(temporary, images)
    os.replace(temporary, path)
    return images


def auc(scores, labels):
    """Area under the ROC curve by ranks; ties count half."""
    import numpy as np

    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positive = labels == 1
    p, n = positive.sum(), (~positive).sum()
    return float((ranks[inverse][positive].sum() - p * (p + 1) / 2) / (p * n))


def build(keras, size):
    layers = [keras.Input((size, size, 3))]
    for filters in (32, 64, 128, 128):
        layers += [keras.layers.Conv2D(filters, 3, activation="relu"), keras.layers.MaxPooling2D(2)]
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
    )
    return model


def main():
    options = arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    keras.utils.set_random_seed(options.seed)

    with open(options.split, newline="") as file:
        rows = list(csv.DictReader(file))
    images = prepared_images(options.data, rows, options.size, options.cache)
    labels = np.array([row["label"].upper() == POSITIVE for row in rows], np.float32)
    train = np.array([row["part"] == "train" for row in rows])

    def dataset(part, shuffle):
        # The images stay uint8 in memory; what is shuffled are their numbers.
        x, y = tf.constant(images[part]), tf.constant(labels[part])
        numbers = tf.data.Dataset.range(len(y))
        if shuffle:
            numbers = numbers.shuffle(len(y), reshuffle_each_iteration=True)
        return numbers.batch(options.batch).map(
            lambda i: (tf.cast(tf.gather(x, i), tf.float32) / 255.0, tf.gather(y, i))
        ).prefetch(2)

    fit, validation = dataset(train, True), dataset(~train, False)
    del images
    model = build(keras, options.size)
    print(f"{train.sum()} training and {(~train).sum()} validation images", flush=True)

    os.makedirs(options.out, exist_ok=True)
    columns = ["loss", "accuracy", "val_loss", "val_accuracy"]
    history = []

    class History(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.file = open(os.path.join(options.out, "history.csv"), "w")
            print("epoch", *columns, "seconds", sep=",", file=self.file, flush=True)

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            row = {"epoch": epoch + 1, **{key: float(logs[key]) for key in columns}}
            row["seconds"] = time.perf_counter() - self.start
            history.append(row)
            values = [f"{row[key]:.6f}" for key in columns] + [f"{row['seconds']:.2f}"]
            print(epoch + 1, *values, sep=",", file=self.file, flush=True)

    model.fit(fit, epochs=options.epochs, validation_data=validation, verbose=2, callbacks=[History()])

    logits = model.predict(validation, verbose=0).ravel()
    best = max(history, key=lambda row: row["val_accuracy"])
    lowest = min(history, key=lambda row: row["val_loss"])
    later = sorted(row["seconds"] for row in history[1:]) or [history[0]["seconds"]]
    summary = {
        "seed": options.seed,
        "epochs": options.epochs,
        "batch": options.batch,
        "size": options.size,
        "threads": options.threads,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "train_images": int(train.sum()),
        "val_images": int((~train).sum()),
        "best_val_accuracy": best["val_accuracy"],
        "best_val_accuracy_epoch": best["epoch"],
        "lowest_val_loss": lowest["val_loss"],
        "lowest_val_loss_epoch": lowest["epoch"],
        "last": history[-1],
        "last_val_auc": auc(logits, labels[~train]),
        "median_epoch_seconds_after_first": later[len(later) // 2],
    }
    with open(os.path.join(options.out, "summary.json"), "w") as file:
        json.dump(summary, file, indent=2)
        file.write("\n")
    print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    main()
