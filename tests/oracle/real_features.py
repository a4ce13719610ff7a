#!/usr/bin/env python3
"""Compares features and probabilities of real cells with those of Keras and PyTorch.

  real_features.py LEUKO SHARED [--cells 64] [--runs RUN ...]

LEUKO is the program, beside which `make bench` has built bench/direct; SHARED a folder with
data/cnmc and weights/ (the files named in bench/peers/pretrained.py). The cells, 64 by default, are
spread over the data set. The peers read the same files: ResNet-50 is computed by Keras, VGG16 and
the CNN by PyTorch, all in float32, the features with both preprocessings.

RUN is a run folder of a trained model (cnn, vgg16, resnet50; two classes; frozen base): its head, for
the CNN everything, is computed by the peer from the model file's tensors.

leuko computes twice: by direct convolution (bench/direct) and as the program does (`leuko features`,
`leuko predict`), which with AVX-512 means Winograd's algorithm in 3x3 convolutions. A table says of
each: the largest difference, for features relative to the largest feature; the largest norm of one
cell's difference relative to the norm of its features; and what is allowed for both. Exit code 1
where something is above, 77 where a peer is not installed."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "bench", "peers"))
import pretrained  # noqa: E402

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
FILES = {"resnet50": pretrained.RESNET, "vgg16": pretrained.VGG}
PEERS = {"resnet50": "Keras", "vgg16": "PyTorch", "cnn": "PyTorch"}
WAYS = ("direct", "Winograd")
FEATURES_WITHIN = {"direct": 1e-4, "Winograd": 1e-3}  # relative
PROBABILITIES_WITHIN = {"direct": 1e-5, "Winograd": 1e-3}
BATCH = 16


def cells_of(shared, count):
    files = []
    for folder, _, names in sorted(os.walk(os.path.join(shared, "data", "cnmc"))):
        files += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".jpg")]
    return files[:: max(1, len(files) // count)][:count]


class Leuko:
    """The program and the benchmark beside it; both read the cells' paths from their input."""

    def __init__(self, program, paths):
        self.program, self.paths = program, paths
        self.direct = os.path.join(os.path.dirname(os.path.abspath(program)), "bench", "direct")
        self.implementations = set()

    def call(self, *command):
        done = subprocess.run(command, input="\n".join(self.paths).encode() + b"\n",
                              capture_output=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")
        return done

    def by_direct(self, *arguments):
        done = self.call(self.direct, *arguments)
        self.implementations.update(done.stderr.decode().splitlines())
        return np.frombuffer(done.stdout, "<f4").reshape(len(self.paths), -1)

    def features(self, way, network, weights, preprocess):
        if way == "direct":
            return self.by_direct("features", network, weights, preprocess)
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "features.npy")
            self.call(self.program, "features", "--model", network, "--weights", weights,
                      "--preprocess", preprocess, "--out", out, "-")
            return np.load(out)

    def probabilities(self, way, run):
        if way == "direct":
            return sigmoid(self.by_direct("logits", os.path.join(run, "best.safetensors")).ravel())
        answers = json.loads(self.call(self.program, "predict", run, "-", "--json").stdout)
        assert [answer["path"] for answer in answers] == self.paths
        return np.array([answer["p"] for answer in answers])


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def in_batches(function, rows):
    return np.concatenate([function(rows[i:i + BATCH]) for i in range(0, len(rows), BATCH)])


def keras_head(values, features):
    import keras

    layer = keras.layers.Dense(1)
    layer.build(features.shape)
    layer.set_weights([values["logits/kernel"], values["logits/bias"]])
    return np.asarray(layer(features))


def torch_dense(values, name, x):
    import torch

    return x @ torch.from_numpy(values[f"{name}/kernel"].copy()) + torch.from_numpy(
        values[f"{name}/bias"].copy())


def torch_head(values, features):
    import torch

    hidden = torch.relu(torch_dense(values, "dense1", torch.from_numpy(features)))
    return torch_dense(values, "logits", hidden).numpy()


def torch_cnn(values, pixels):
    """Convolutions without padding, relu, pooling; what comes behind is VGG16's head."""
    import torch
    import torch.nn.functional as F

    x, layer = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()), 1
    while f"conv{layer}/kernel" in values:
        kernel = torch.from_numpy(values[f"conv{layer}/kernel"].transpose(3, 2, 0, 1).copy())
        x = F.conv2d(x, kernel, torch.from_numpy(values[f"conv{layer}/bias"].copy()))
        x, layer = F.max_pool2d(torch.relu(x), 2), layer + 1
    return torch_head(values, x.numpy().transpose(0, 2, 3, 1).reshape(len(pixels), -1))


def peer_probabilities(run, paths, features):
    """(network, preprocessing, p [cells]) of a run's model; features[network, preprocessing] are the
    peer's own."""
    values, metadata = pretrained.float_tensors(os.path.join(run, "best.safetensors"))
    model = json.loads(metadata["leuko"])
    with open(os.path.join(run, "run.json")) as file:
        options = json.load(file)["options"]
    network, preprocess = model["network"]["name"], options.get("preprocess", "paper")
    # What is not computed here must not pass for compared.
    assert model["positive"] == 1 and model["preprocessing"]["crop"] == 0
    if network == "cnn":
        pixels = pretrained.scaled(pretrained.prepared(paths, model["network"]["size"]), "cnn", "paper")
        return network, "paper", sigmoid(torch_cnn(values, pixels).ravel())
    assert model["network"]["size"] == 224 and options["fine_tune"] == "none"
    head = keras_head if network == "resnet50" else torch_head
    return network, preprocess, sigmoid(head(values, features[network, preprocess]).ravel())


class Table:
    def __init__(self):
        self.missed = 0
        print("| network | preprocessing | what | beside | leuko's way | largest difference "
              "| largest norm of a cell's | allowed | within |\n|---|---|---|---|---|---|---|---|---|")

    def row(self, network, preprocess, what, way, largest, norm, allowed):
        within = largest <= allowed and (norm is None or norm <= allowed)
        self.missed += not within
        print(f"| {network} | {preprocess} | {what} | {PEERS[network]} | {way} | {largest:.1e} | "
              f"{'' if norm is None else f'{norm:.1e}'} | {allowed:.0e} | "
              f"{'yes' if within else 'NO'} |", flush=True)

    def features(self, network, preprocess, way, found, wanted):
        assert found.shape == wanted.shape, (found.shape, wanted.shape)
        off = np.abs(found - wanted)
        norms = np.linalg.norm(off, axis=1) / np.linalg.norm(wanted, axis=1)
        self.row(network, preprocess, f"{wanted.shape[1]} features", way,
                 off.max() / np.abs(wanted).max(), norms.max(), FEATURES_WITHIN[way])

    def probabilities(self, network, preprocess, run, way, found, wanted):
        assert found.shape == wanted.shape, (found.shape, wanted.shape)
        name = os.path.basename(os.path.normpath(run))
        what = f"p of {name}, {wanted.min():.3f} to {wanted.max():.3f}"
        self.row(network, preprocess, what, way, np.abs(found - wanted).max(), None,
                 PROBABILITIES_WITHIN[way])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("leuko")
    parser.add_argument("shared")
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--runs", nargs="*", default=[])
    options = parser.parse_args()
    try:
        import h5py  # noqa: F401
        import keras
        import torch
    except ImportError as missing:
        print(f"not compared: {missing}")
        sys.exit(77)
    paths = cells_of(options.shared, options.cells)
    leuko, rgb, features = Leuko(options.leuko, paths), pretrained.prepared(paths), {}
    print(f"{len(paths)} cells, Keras {keras.__version__}, PyTorch {torch.__version__}\n")
    table = Table()
    for network, file in FILES.items():
        weights = os.path.join(options.shared, "weights", file)
        compute = pretrained.feature_function(network, weights)
        for preprocess in ("weights", "paper"):
            wanted = in_batches(compute, pretrained.scaled(rgb, network, preprocess))
            features[network, preprocess] = wanted
            for way in WAYS:
                table.features(network, preprocess, way,
                               leuko.features(way, network, weights, preprocess), wanted)
    for run in options.runs:
        network, preprocess, wanted = peer_probabilities(run, paths, features)
        for way in WAYS:
            table.probabilities(network, preprocess, run, way, leuko.probabilities(way, run), wanted)
    print(f"\ndirect: {', '.join(sorted(leuko.implementations))}")
    sys.exit(table.missed > 0)


main()
