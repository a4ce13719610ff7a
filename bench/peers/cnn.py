#!/usr/bin/env python3
"""The paper's CNN at 128 pixels in float32: leuko beside Keras, PyTorch and ONNX Runtime.

  cnn.py --leuko PROGRAM [--rounds 5] [--seconds 5] [--threads 2] [--out TABLE.md]

Every measurement is a process of its own: warm-up, then some seconds of whole batches. Contenders
take turns within a round, so that a machine that is slow for a while is slow for all of them. The
table gives medians over the rounds, the range, and leuko's speed divided by the best peer's.
Peers get their batch as float32 in memory; leuko starts from 8-bit pixels. Random pixels: nothing
in them is black.

  cnn.py --contender NAME --work predict|train --batch N   one measurement, as JSON
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SIZE, WIDTHS, DENSE = 128, (32, 64, 128, 128), 512

# What is measured: (work, batch), and who takes part. A peer stands here more than once where it
# has several ways of doing the same; the best of them is the one that counts.
JOBS = [("predict", 16), ("predict", 1), ("train", 32)]
KERAS = ["keras", "keras-graph"]
TORCH = ["torch", "torch-channels-last"]
CONTENDERS = {"predict": KERAS + TORCH + ["onnxruntime"], "train": KERAS + TORCH}
NAMES = {
    "leuko": "leuko",
    "keras": "Keras (its default)",
    "keras-graph": "Keras (without XLA)",
    "torch": "PyTorch",
    "torch-channels-last": "PyTorch (channels last)",
    "onnxruntime": "ONNX Runtime",
}


def measure(step, batch, seconds):
    """Images a second of step(), called again and again."""
    until = time.perf_counter() + min(2.0, seconds)
    calls = 0
    while calls < 3 or time.perf_counter() < until:
        step()
        calls += 1
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        calls += 1
    return calls * batch / (time.perf_counter() - start)


def random_batch(batch):
    import numpy as np

    random = np.random.RandomState(1)
    pixels = random.randint(0, 256, (batch, SIZE, SIZE, 3)).astype(np.float32) / 255
    return pixels, (np.arange(batch) % 2).astype(np.float32)


def keras_step(name, work, batch):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras
    import tensorflow as tf

    threads = len(os.sched_getaffinity(0))
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    layers = [keras.Input((SIZE, SIZE, 3))]
    for width in WIDTHS:
        layers += [keras.layers.Conv2D(width, 3, activation="relu"), keras.layers.MaxPooling2D(2)]
    layers += [keras.layers.Flatten(), keras.layers.Dense(DENSE, activation="relu"),
               keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.Adam(),
                  loss=keras.losses.BinaryCrossentropy(from_logits=True),
                  jit_compile="auto" if name == "keras" else False)
    pixels, labels = (tf.constant(values) for values in random_batch(batch))
    labels = tf.reshape(labels, (batch, 1))
    version = f"{keras.__version__} on TensorFlow {tf.__version__}"
    if work == "train":
        return (lambda: model.train_on_batch(pixels, labels)), version
    return (lambda: model.predict_on_batch(pixels)), version


def torch_step(name, work, batch):
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layers, channels, side = [], 3, SIZE
    for width in WIDTHS:
        layers += [nn.Conv2d(channels, width, 3), nn.ReLU(), nn.MaxPool2d(2)]
        channels, side = width, (side - 2) // 2
    layers += [nn.Flatten(), nn.Linear(channels * side * side, DENSE), nn.ReLU(),
               nn.Linear(DENSE, 1)]
    order = torch.channels_last if name == "torch-channels-last" else torch.contiguous_format
    model = nn.Sequential(*layers).to(memory_format=order)
    pixels, labels = (torch.tensor(values) for values in random_batch(batch))
    pixels = pixels.permute(0, 3, 1, 2).contiguous(memory_format=order)
    if work == "predict":
        model.eval()

        def predict():
            with torch.inference_mode():
                model(pixels)

        return predict, torch.__version__
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    loss = nn.BCEWithLogitsLoss()

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss(model(pixels)[:, 0], labels).backward()
        optimizer.step()

    return train, torch.__version__


def onnx_model():
    """The network as ONNX, node by node, with random weights."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.RandomState(1)
    nodes, weights, x, channels, side = [], [], "pixels", 3, SIZE

    def weight(name, *shape):
        values = random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(op, inputs, name, **attributes):
        nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    for i, width in enumerate(WIDTHS):
        kernel, bias = weight(f"k{i}", width, channels, 3, 3), weight(f"b{i}", width)
        x = node("Relu", [node("Conv", [x, kernel, bias], f"conv{i}")], f"relu{i}")
        x = node("MaxPool", [x], f"pool{i}", kernel_shape=[2, 2], strides=[2, 2])
        channels, side = width, (side - 2) // 2
    x = node("Flatten", [x], "flat")
    x = node("Gemm", [x, weight("k", DENSE, channels * side * side), weight("b", DENSE)], "dense",
             transB=1)
    x = node("Relu", [x], "dense_relu")
    x = node("Gemm", [x, weight("ko", 1, DENSE), weight("bo", 1)], "logits", transB=1)
    graph = helper.make_graph(
        nodes, "cnn",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def onnxruntime_step(batch):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(onnx_model(), options,
                                           providers=["CPUExecutionProvider"])
    pixels = random_batch(batch)[0].transpose(0, 3, 1, 2).copy()
    return (lambda: session.run(None, {"pixels": pixels})), onnxruntime.__version__


def contend(name, work, batch, seconds):
    if name.startswith("keras"):
        step, version = keras_step(name, work, batch)
    elif name.startswith("torch"):
        step, version = torch_step(name, work, batch)
    else:
        step, version = onnxruntime_step(batch)
    speed = measure(step, batch, seconds)
    print(json.dumps({"images_per_second": speed, "version": version}))


def run(options, name, work, batch):
    """One measurement in a process of its own on the first processors: (images/s, version)."""
    threads = str(options.threads)
    if name == "leuko":
        command = [options.leuko, "bench", "--model", "cnn", "--batch", str(batch), "--threads",
                   threads, "--seconds", str(options.seconds), "--json"]
        command += ["--train"] if work == "train" else []
    else:
        command = [sys.executable, os.path.abspath(__file__), "--contender", name, "--work", work,
                   "--batch", str(batch), "--seconds", str(options.seconds)]
    processors = sorted(os.sched_getaffinity(0))[: options.threads]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": threads},
                          preexec_fn=lambda: os.sched_setaffinity(0, processors))
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout[done.stdout.index("{") :])
    return result["images_per_second"], result.get("version", "")


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown processor"


def table(speeds, versions, options):
    """Markdown: a table for each job and the ratios."""
    lines = [f"{processor()}, {options.threads} threads, float32, {options.rounds} rounds of "
             f"{options.seconds:g} s each; medians.", ""]
    for work, batch in JOBS:
        rows = {name: speeds[work, batch, name] for name in ["leuko"] + CONTENDERS[work]}
        medians = {name: statistics.median(values) for name, values in rows.items()}
        best = max((name for name in rows if name != "leuko"), key=medians.get)
        lines += [f"**{work}, batch {batch}**", "",
                  "| | images/s | range | ms a batch | leuko's speed divided by its |",
                  "|---|---|---|---|---|"]
        for name in sorted(rows, key=medians.get, reverse=True):
            label = NAMES[name] + (f" {versions[name]}" if versions[name] else "")
            ratio = "" if name == "leuko" else f"{medians['leuko'] / medians[name]:.2f}"
            lines.append(f"| {label} | {medians[name]:.0f} | {min(rows[name]):.0f}-"
                         f"{max(rows[name]):.0f} | {1e3 * batch / medians[name]:.2f} | {ratio} |")
        each = sorted(a / b for a, b in zip(rows["leuko"], rows[best]))
        lines += ["", f"leuko is {medians['leuko'] / medians[best]:.2f} times as fast as the best "
                  f"peer, {NAMES[best]} (round by round {each[0]:.2f} to {each[-1]:.2f}).", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leuko")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--work", choices=["predict", "train"], help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        contend(options.contender, options.work, options.batch, options.seconds)
        return
    if not options.leuko:
        parser.error("--leuko PROGRAM is missing")
    speeds, versions = {}, {}
    for number in range(options.rounds):
        for work, batch in JOBS:
            names = ["leuko"] + CONTENDERS[work]
            first = number % len(names)  # nobody always goes first
            for name in names[first:] + names[:first]:
                speed, versions[name] = run(options, name, work, batch)
                speeds.setdefault((work, batch, name), []).append(speed)
                print(f"round {number + 1}: {work} batch {batch}: {NAMES[name]}: {speed:.1f}",
                      file=sys.stderr, flush=True)
    text = table(speeds, versions, options)
    print(text)
    if options.out:
        with open(options.out, "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
