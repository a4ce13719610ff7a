"""What the trainings in Keras share: options, the split, and the run folder that they write.

A run folder receives history.csv (epoch,loss,accuracy,val_loss,val_accuracy,seconds; a line as soon
as its epoch ends; seconds are training and validation together) and summary.json."""
import csv
import json
import os
import time

POSITIVE = "ALL"
COLUMNS = ["loss", "accuracy", "val_loss", "val_accuracy"]


def add_options(parser):
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=35)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)


def set_up(options):
    """Imports Keras on TensorFlow, on so many threads, and seeds it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    keras.utils.set_random_seed(options.seed)
    return keras


class Cells:
    """The cells of a split CSV: rows, labels (1.0 for ALL) and which of them are trained on."""

    def __init__(self, split):
        import numpy as np

        with open(split, newline="") as file:
            self.rows = list(csv.DictReader(file))
        self.labels = np.array([row["label"].upper() == POSITIVE for row in self.rows], np.float32)
        self.train = np.array([row["part"] == "train" for row in self.rows])


def dataset(values, labels, batch, shuffle, prepare=lambda x: x):
    """Batches of prepare(values) and labels. What is shuffled, anew every epoch, are numbers."""
    import tensorflow as tf

    x, y = tf.constant(values), tf.constant(labels)
    numbers = tf.data.Dataset.range(len(y))
    if shuffle:
        numbers = numbers.shuffle(len(y), reshuffle_each_iteration=True)
    return numbers.batch(batch).map(
        lambda i: (prepare(tf.gather(x, i)), tf.gather(y, i))).prefetch(2)


def sequential(keras, layers):
    """The layers as a network with one logit, binary cross-entropy and Adam, with the defaults."""
    model = keras.Sequential(layers)
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
    )
    return model


def auc(scores, labels):
    """Area under the ROC curve by ranks; ties count half."""
    import numpy as np

    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positive = labels == 1
    p, n = positive.sum(), (~positive).sum()
    return float((ranks[inverse][positive].sum() - p * (p + 1) / 2) / (p * n))


def fit(keras, model, cells, values, options, facts, prepare=lambda x: x):
    """Trains on values[cells.train], validates on the rest after every epoch and writes the run
    folder; `facts` go to summary.json as well."""
    import tensorflow as tf

    train = cells.train
    learned = dataset(values[train], cells.labels[train], options.batch, True, prepare)
    tested = dataset(values[~train], cells.labels[~train], options.batch, False, prepare)
    print(f"{train.sum()} training and {(~train).sum()} validation images", flush=True)
    os.makedirs(options.out, exist_ok=True)
    history = []

    class History(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.file = open(os.path.join(options.out, "history.csv"), "w")
            print("epoch", *COLUMNS, "seconds", sep=",", file=self.file, flush=True)

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            row = {"epoch": epoch + 1, **{key: float(logs[key]) for key in COLUMNS}}
            row["seconds"] = time.perf_counter() - self.start
            history.append(row)
            written = [f"{row[key]:.6f}" for key in COLUMNS] + [f"{row['seconds']:.2f}"]
            print(epoch + 1, *written, sep=",", file=self.file, flush=True)

        def on_train_end(self, logs=None):
            self.file.close()

    model.fit(learned, epochs=options.epochs, validation_data=tested, verbose=2, callbacks=[History()])
    logits = model.predict(tested, verbose=0).ravel()
    best = max(history, key=lambda row: row["val_accuracy"])
    lowest = min(history, key=lambda row: row["val_loss"])
    later = sorted(row["seconds"] for row in history[1:]) or [history[0]["seconds"]]
    summary = {
        **facts,
        "seed": options.seed,
        "epochs": options.epochs,
        "batch": options.batch,
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
        "last_val_auc": auc(logits, cells.labels[~train]),
        "median_epoch_seconds_after_first": later[len(later) // 2],
    }
    with open(os.path.join(options.out, "summary.json"), "w") as file:
        json.dump(summary, file, indent=2)
        file.write("\n")
    print(json.dumps(summary), flush=True)
