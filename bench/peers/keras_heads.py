#!/usr/bin/env python3
"""Trains the paper's heads on frozen ImageNet bases in Keras, on a leuko split CSV.

  keras_heads.py --model resnet50|vgg16 --preprocess weights|paper --weights FILE
                 --data DIR --split split.csv --out RUN
                 [--features F.npy] [--cache FOLDER] [--epochs 35] [--batch 32] [--seed 1] [--threads 2]

The same settings as `leuko train --model resnet50|vgg16`: the whole image resized to 224 with
Pillow's bilinear filter and preprocessed as the weights were trained, or divided by 255 ("paper");
behind ResNet-50's global averages one logit, behind VGG16's 7x7x512 values dense 256 relu and one
logit; binary cross-entropy, Adam, initial values, all with Keras's defaults; a new order every epoch;
validation after every epoch. FILE is one of the two that are named in pretrained.py.

The base is frozen, so its features are computed once for each image and kept in FOLDER for the next
seed: ResNet-50's by Keras, VGG16's by PyTorch, whose weights they are. With --features they are
leuko's instead (`leuko features --model ... --out F.npy`, with the F.csv that names the rows);
that both are equal is what tests/oracle/real_features.py shows. What RUN receives is told in
keras_run.py; its summary.json names the features' origin.
"""
import argparse
import csv
import hashlib
import os
import sys

import keras_run
import pretrained

BATCH = 32


def computed(options, rows):
    """Features of all cells in the order of rows, from the cache or by the peer itself."""
    import numpy as np

    with open(options.weights, "rb") as file:
        key = hashlib.file_digest(file, "sha256")
    for row in rows:
        key.update((row["path"] + row["sha256"] + "\n").encode())
    path = os.path.join(options.cache,
                        f"{options.model}_{options.preprocess}_{key.hexdigest()[:16]}.npy")
    if os.path.exists(path):
        return np.load(path, mmap_mode="r")
    compute = pretrained.feature_function(options.model, options.weights)
    temporary, features = f"{path}.{os.getpid()}.npy", None
    for first in range(0, len(rows), BATCH):
        paths = [os.path.join(options.data, row["path"]) for row in rows[first:first + BATCH]]
        pixels = pretrained.scaled(pretrained.prepared(paths), options.model, options.preprocess)
        batch = compute(pixels)
        if features is None:
            features = np.lib.format.open_memmap(temporary, "w+", np.float32,
                                                 (len(rows), batch.shape[1]))
        features[first:first + len(batch)] = batch
        if first // BATCH % 20 == 0:
            print(f"features: {first + len(batch)} of {len(rows)}", flush=True)
    features.flush()
    os.replace(temporary, path)
    return features


def exported(path, rows):
    """The rows of an .npy by leuko that belong to the cells, found by the files' SHA-256."""
    import numpy as np

    with open(os.path.splitext(path)[0] + ".csv", newline="") as file:
        place = {row["sha256"]: i for i, row in enumerate(csv.DictReader(file))}
    missing = [row["path"] for row in rows if row["sha256"] not in place]
    if missing:
        sys.exit(f"{path} lacks {len(missing)} cells of the split, such as {missing[0]}")
    return np.load(path, mmap_mode="r")[[place[row["sha256"]] for row in rows]]


def head(keras, model, width):
    hidden = [keras.layers.Dense(256, activation="relu")] if model == "vgg16" else []
    return [keras.Input((width,)), *hidden, keras.layers.Dense(1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, choices=("resnet50", "vgg16"))
    parser.add_argument("--preprocess", required=True, choices=("weights", "paper"))
    parser.add_argument("--weights", help="the base's weights; not needed with --features")
    parser.add_argument("--features", help="an .npy written by leuko features")
    parser.add_argument("--cache", default="/tmp", help="folder for the features")
    keras_run.add_options(parser)
    options = parser.parse_args()
    if not options.features and not options.weights:
        parser.error("--weights or --features is missing")
    keras = keras_run.set_up(options)
    cells = keras_run.Cells(options.split)
    if options.features:
        origin, features = "leuko", exported(options.features, cells.rows)
    else:
        origin = "Keras" if options.model == "resnet50" else "PyTorch"
        features = computed(options, cells.rows)
    print(f"{features.shape[1]} features by {origin}", flush=True)
    keras.utils.set_random_seed(options.seed)  # whether or not the base was built before
    model = keras_run.sequential(keras, head(keras, options.model, features.shape[1]))
    keras_run.fit(keras, model, cells, features, options,
                  {"model": options.model, "preprocess": options.preprocess, "features": origin})


if __name__ == "__main__":
    main()
