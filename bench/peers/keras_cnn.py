#!/usr/bin/env python3
"""Trains the paper's CNN in Keras on a leuko split CSV: the peer that leuko's training is held against.

  keras_cnn.py --data DIR --split split.csv --out RUN [--epochs 35] [--batch 32] [--size 128]
               [--seed 1] [--threads 2]

DIR is the root that the paths of the split CSV (path,sha256,subject,label,part) are relative to.
The same settings as `leuko train --model cnn`: the whole image resized with Pillow's bilinear
filter, divided by 255; convolutions 3x3 without padding of 32, 64, 128, 128 filters, each with relu
and 2x2 max pooling; dense 512 relu; one logit; binary cross-entropy, Adam, both with Keras's
defaults; a new order every epoch; validation after every epoch. What RUN receives is told in
keras_run.py.
"""
import argparse
import hashlib
import os

import keras_run
import pretrained


def prepared_images(data, rows, size, cache):
    """uint8 [images][size][size][3] in the order of rows; kept in a file for the next run."""
    import numpy as np

    key = hashlib.sha256()
    for row in rows:
        key.update((row["path"] + row["sha256"] + "\n").encode())
    path = os.path.join(cache, f"keras_cnn_{key.hexdigest()[:16]}_{size}.npy")
    if os.path.exists(path):
        return np.load(path)
    images = pretrained.prepared([os.path.join(data, row["path"]) for row in rows], size)
    temporary = f"{path}.{os.getpid()}.npy"
    np.save(temporary, images)
    os.replace(temporary, path)
    return images


def layers(keras, size):
    found = [keras.Input((size, size, 3))]
    for filters in (32, 64, 128, 128):
        found += [keras.layers.Conv2D(filters, 3, activation="relu"), keras.layers.MaxPooling2D(2)]
    return found + [
        keras.layers.Flatten(),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(1),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    keras_run.add_options(parser)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--cache", default="/tmp", help="folder for the prepared images")
    options = parser.parse_args()
    keras = keras_run.set_up(options)
    import tensorflow as tf

    cells = keras_run.Cells(options.split)
    images = prepared_images(options.data, cells.rows, options.size, options.cache)
    model = keras_run.sequential(keras, layers(keras, options.size))
    # The images stay uint8 in memory.
    keras_run.fit(keras, model, cells, images, options,
                  {"model": "cnn", "preprocess": "paper", "size": options.size},
                  lambda x: tf.cast(x, tf.float32) / 255.0)


if __name__ == "__main__":
    main()
