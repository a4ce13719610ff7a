#!/usr/bin/env python3
"""Compares the features of real cells with those of Keras (ResNet-50) and PyTorch (VGG16).

  real_features.py LEUKO SHARED [CELLS]

LEUKO is the program, SHARED a folder with data/cnmc and weights/ (the files named below), CELLS how
many cells are compared (64, spread over the data set). The peers read the same files: decoded and
resized by Pillow, preprocessed as the weights were trained, all in float32. Both networks are
written out here layer by layer, since the weight files are older than their libraries. A peer that
is not installed is passed over. Printed for each: the largest difference relative to the largest
feature, and the difference's norm relative to the features' norm. Exit code 1 where the first is
above 1e-3."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
BOUND = 1e-3
RESNET = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG = "vgg16-torchvision-features.safetensors"


def cells_of(shared, count):
    files = []
    for folder, _, names in sorted(os.walk(os.path.join(shared, "data", "cnmc"))):
        files += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".jpg")]
    return files[:: max(1, len(files) // count)][:count]


def prepared(paths, side=224):
    """RGB float32 [N][side][side][3] in 0..255."""
    return np.stack([np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR),
                                np.float32) for path in paths])


def keras_resnet50(weights, rgb):
    """Keras's older ResNet-50: biases, stride on the first 1x1, epsilon 1e-3; `running_std` is the
    variance."""
    import h5py
    import keras
    from keras import layers

    file = h5py.File(weights)

    def conv(x, name, filters, kernel, stride=1, padding="valid"):
        layer = layers.Conv2D(filters, kernel, strides=stride, padding=padding)
        x = layer(x)
        layer.set_weights([file[f"{name}/{name}_{part}_1:0"][()] for part in "Wb"])
        return x

    def norm(x, name):
        layer = layers.BatchNormalization(epsilon=1e-3)
        x = layer(x)
        layer.set_weights([file[f"{name}/{name}_{part}_1:0"][()]
                           for part in ("gamma", "beta", "running_mean", "running_std")])
        return x

    def block(x, name, filters, stride, projected):
        shortcut = x
        if projected:
            shortcut = norm(conv(x, f"res{name}_branch1", 4 * filters, 1, stride), f"bn{name}_branch1")
        x = layers.ReLU()(norm(conv(x, f"res{name}_branch2a", filters, 1, stride),
                               f"bn{name}_branch2a"))
        x = layers.ReLU()(norm(conv(x, f"res{name}_branch2b", filters, 3, 1, "same"),
                               f"bn{name}_branch2b"))
        x = norm(conv(x, f"res{name}_branch2c", 4 * filters, 1), f"bn{name}_branch2c")
        return layers.ReLU()(layers.Add()([x, shortcut]))

    pixels = keras.Input(rgb.shape[1:])
    x = layers.ZeroPadding2D(3)(pixels)
    x = layers.ReLU()(norm(conv(x, "conv1", 64, 7, 2), "bn_conv1"))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, (blocks, filters) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], 2):
        for b in range(blocks):
            x = block(x, f"{stage}{chr(97 + b)}", filters, 2 if b == 0 and stage > 2 else 1, b == 0)
    model = keras.Model(pixels, layers.GlobalAveragePooling2D()(x))
    bgr = rgb[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
    return model.predict(bgr, batch_size=16, verbose=0)


def float_tensors(path):
    """The float32 tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def torch_vgg16(weights, rgb):
    """torchvision's vgg16().features, flattened row by row, pixel by pixel, channel by channel."""
    import torch
    import torch.nn.functional as F

    values = float_tensors(weights)
    pools = {2, 7, 14, 21, 28}  # the convolutions that a pooling follows
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    rows = []
    with torch.no_grad():
        for first in range(0, len(rgb), 8):
            x = (rgb[first:first + 8] / 255 - mean) / deviation
            x = torch.from_numpy(x.astype(np.float32).transpose(0, 3, 1, 2).copy())
            for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28):
                weight, bias = (torch.from_numpy(values[f"features.{i}.{part}"])
                                for part in ("weight", "bias"))
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
                if i in pools:
                    x = F.max_pool2d(x, 2)
            rows.append(x.numpy().transpose(0, 2, 3, 1).reshape(len(x), -1))
    return np.concatenate(rows)


def main():
    leuko, shared = sys.argv[1:3]
    paths = cells_of(shared, int(sys.argv[3]) if len(sys.argv) > 3 else 64)
    rgb = prepared(paths)
    failed = False
    for network, file, peer, name in (("resnet50", RESNET, keras_resnet50, "Keras"),
                                      ("vgg16", VGG, torch_vgg16, "PyTorch")):
        weights = os.path.join(shared, "weights", file)
        try:
            wanted = peer(weights, rgb)
        except ImportError as missing:
            print(f"{network}: passed over, {missing}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "features.npy")
            subprocess.run([leuko, "features", "--model", network, "--weights", weights, "--out", out,
                            "-"], input="\n".join(paths), text=True, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            found = np.load(out)
        assert found.shape == wanted.shape, (found.shape, wanted.shape)
        largest = np.abs(found - wanted).max() / np.abs(wanted).max()
        norm = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
        print(f"{network}: {len(paths)} cells, {found.shape[1]} features beside {name}'s: largest "
              f"difference {largest:.2e} of the largest feature, norm {norm:.2e}")
        failed |= not largest <= BOUND
    sys.exit(failed)


main()
