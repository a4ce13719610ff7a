#!/usr/bin/env python3
"""Makes tests/fixtures/finetune.safetensors: VGG16 and both forms of ResNet-50 by PyTorch in float64.

  torch_finetune.py [OUT]

The networks are written out here in the order of the paper's tables, with everything Keras does
otherwise than PyTorch: running statistics move by momentum 0.99 towards the batch's mean and biased
variance; Adam adds epsilon (1e-7) after the bias correction has gone into the step size; the Keras
form of ResNet-50 has convolution biases, the stride on a block's first 1x1 and epsilon 1.001e-5, the
torch form none, the stride on the 3x3 and 1e-5.

Parameters and pixels come from a formula (torch_fixture.hashed; parameter number p of the graph uses
stream p, pixels of step s stream 1000 + s), so that the fixture holds results only. With h uniform
in -1..1:

  kernels    h sqrt(6 / inputs of a unit)     biases     0.1 h
  gamma      1 + 0.3 h, a quarter of it in the last normalization of a residual block
  beta       0.2 h      mean  0.3 h           variance   1 + 0.5 h

That quarter and the learning rate of 1e-5 keep the comparison from being one of rounding errors.
Adam's first steps are as large for a gradient of 1e-6 as for one of 1, and the last stage normalizes
over 32 values: at a rate of 1e-4, float32 alone carries ResNet-50's losses 1e-3 away within five
steps. How far it does here, and how far a relative disturbance of 1e-6 of all parameters does, is
printed for every case, beside what the losses would be if nothing were learned: from those they
must be far.

Case c, inference (kind "inference"): c/logits [N][1]; c/features [N][SAMPLES], of image n the
features at places hashed(i, 3000 + n) modulo their number; c/largest, the largest feature.
Case c, training (kind "training", five steps, each on pixels of its own): c/losses [5];
c/running [2 x normalizations][SAMPLES], mean and variance in the graph's order after the last step,
c/running_largest; c/gradients [trainable parameters][SAMPLES] of the first step and
c/gradient_largest. Samples of parameter p lie at hashed(i, 2000 + p) modulo its length."""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import torch_fixture
from torch_fixture import hashed

SAMPLES, STEPS = 8, 5
tensors, cases = {}, []


class Net:
    """Parameters by name in the graph's order, and the layers that read them. The first forward pass
    makes the parameters; each leaves the last convolutional stage's output in `maps`."""

    def __init__(self, dtype=torch.float64, disturbance=0.0):
        self.params, self.streams, self.dtype, self.disturbance = {}, {}, dtype, disturbance
        self.training = False

    def get(self, name, shape, trainable=True):
        if name in self.params:
            return self.params[name]
        stream = self.streams[name] = len(self.streams)
        h = 2 * hashed(np.prod(shape), stream).astype(np.float64) / 2**24 - 1
        part = name.rsplit("/")[1]
        if part == "kernel":
            values = h * np.sqrt(6 / np.prod(shape[:-1]))
        elif part == "gamma":
            values = (0.25 if "_3_bn/" in name else 1) * (1 + 0.3 * h)
        else:
            values = {"bias": 0.1 * h, "beta": 0.2 * h, "mean": 0.3 * h, "variance": 1 + 0.5 * h}[part]
        values = values.astype(np.float32).reshape(shape)
        values = values * (1 + self.disturbance * np.cos(np.arange(values.size)).reshape(shape))
        param = torch.tensor(values, dtype=self.dtype, requires_grad=trainable)
        self.params[name] = param
        return param

    def conv(self, x, name, filters, kernel, stride, pad, bias):
        w = self.get(f"{name}/kernel", (kernel, kernel, x.shape[1], filters)).permute(3, 2, 0, 1)
        b = self.get(f"{name}/bias", (filters,)) if bias else None
        return F.conv2d(x, w, b, stride, pad)

    def norm(self, x, name, epsilon):
        shape = (x.shape[1],)
        gamma, beta = self.get(f"{name}/gamma", shape), self.get(f"{name}/beta", shape)
        mean = self.get(f"{name}/mean", shape, False)
        variance = self.get(f"{name}/variance", shape, False)
        if not self.training:
            return F.batch_norm(x, mean, variance, gamma, beta, False, 0, epsilon)
        with torch.no_grad():
            flat = x.permute(1, 0, 2, 3).flatten(1)
            mean.mul_(0.99).add_(0.01 * flat.mean(1))
            variance.mul_(0.99).add_(0.01 * flat.var(1, unbiased=False))
        return F.batch_norm(x, None, None, gamma, beta, True, 0, epsilon)

    def dense(self, x, name, units):
        return x @ self.get(f"{name}/kernel", (x.shape[1], units)) + self.get(f"{name}/bias", (units,))


def vgg16(net, x, case):
    for block, (convolutions, filters) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
        for i in range(1, convolutions + 1):
            x = F.relu(net.conv(x, f"block{block}_conv{i}", filters, 3, 1, 1, True))
        net.maps = x
        x = F.max_pool2d(x, 2)
    features = torch_fixture.nhwc(x).flatten(1)
    return features, net.dense(F.relu(net.dense(features, "dense1", 256)), "logits", 1)


def resnet50(net, x, case):
    keras = case["form"] == "keras"
    epsilon = 1.001e-5 if keras else 1e-5

    def conv_bn(x, name, filters, kernel, stride):
        x = net.conv(x, f"{name}_conv", filters, kernel, stride, kernel // 2, keras)
        return net.norm(x, f"{name}_bn", epsilon)

    x = F.max_pool2d(F.relu(conv_bn(x, "conv1", 64, 7, 2)), 3, 2, 1)
    for stage, (blocks, filters) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], 2):
        for block in range(1, blocks + 1):
            name, stride = f"conv{stage}_block{block}", 2 if block == 1 and stage > 2 else 1
            shortcut = conv_bn(x, f"{name}_0", 4 * filters, 1, stride) if block == 1 else x
            x = F.relu(conv_bn(x, f"{name}_1", filters, 1, stride if keras else 1))
            x = F.relu(conv_bn(x, f"{name}_2", filters, 3, 1 if keras else stride))
            x = F.relu(shortcut + conv_bn(x, f"{name}_3", 4 * filters, 1, 1))
    net.maps = x
    features = x.mean((2, 3))
    return features, net.dense(features, "logits", 1)


def scaled(case, step, dtype):
    """y[c] = (x[c'] scale - mean[c]) / deviation[c], with the channels turned round for BGR."""
    s = case["scaling"]
    x = torch_fixture.cell_pixels(case["batch"], case["size"], 1000 + step).astype(np.float64)
    x = (x[..., ::-1] if s["reverse"] else x) * s["scale"] - np.array(s["mean"])
    return torch.tensor(x / np.array(s["deviation"]), dtype=dtype).permute(0, 3, 1, 2).contiguous()


def run(case, net, x):
    return (vgg16 if case["network"] == "vgg16" else resnet50)(net, x, case)


def train(case, **how):
    """Losses, the first step's gradients and the network after the last one."""
    net, losses, first = Net(**how), [], {}
    with torch.no_grad():
        run(case, net, scaled(case, 0, net.dtype)[:1])  # makes the parameters
    net.training = True
    learning = {k: p for k, p in net.params.items() if p.requires_grad}
    m = {k: torch.zeros_like(p) for k, p in learning.items()}
    v = {k: torch.zeros_like(p) for k, p in learning.items()}
    b1, b2, epsilon = 0.9, 0.999, 1e-7
    labels = torch.arange(case["batch"], dtype=net.dtype) % 2
    for t in range(1, STEPS + 1):
        for p in learning.values():
            p.grad = None
        _, logits = run(case, net, scaled(case, t - 1, net.dtype))
        loss = F.binary_cross_entropy_with_logits(logits[:, 0], labels)
        loss.backward()
        losses.append(float(loss.detach()))
        with torch.no_grad():
            for k, p in learning.items():
                if t == 1:
                    first[k] = p.grad.clone()
                m[k].mul_(b1).add_((1 - b1) * p.grad)
                v[k].mul_(b2).add_((1 - b2) * p.grad**2)
                p -= case["lr"] * np.sqrt(1 - b2**t) / (1 - b1**t) * m[k] / (v[k].sqrt() + epsilon)
    return net, np.array(losses), first


def sampled(net, name, values):
    at = hashed(SAMPLES, 2000 + net.streams[name]) % np.uint64(values.numel())
    return values.detach().flatten()[torch.tensor(at.astype(np.int64))]


def statistics(net):
    return {k: p for k, p in net.params.items() if not p.requires_grad}


def apart(a, b):
    """The largest difference, relative to the largest entry of each tensor."""
    return max([float((a[k].double() - b[k]).abs().max() / b[k].abs().max()) for k in b], default=0)


def training(name, **options):
    case = {"name": name, "kind": "training", "batch": 8, "size": 64, **options}
    cases.append(case)
    net, losses, gradients = train(case)
    tensors[f"{name}/losses"] = losses
    running = statistics(net)
    if running:
        tensors[f"{name}/running"] = torch.stack([sampled(net, k, p) for k, p in running.items()])
        tensors[f"{name}/running_largest"] = torch.stack([p.abs().max() for p in running.values()])
    tensors[f"{name}/gradients"] = torch.stack([sampled(net, k, g) for k, g in gradients.items()])
    tensors[f"{name}/gradient_largest"] = torch.stack([g.abs().max() for g in gradients.values()])
    print(f"{name}: losses {losses.round(5).tolist()}")
    idle = train({**case, "lr": 0})[1]
    print(f"  nothing learned: {idle.round(5).tolist()}")
    for what, how in (("float32", {"dtype": torch.float32}), ("disturbed", {"disturbance": 1e-6})):
        other, other_losses, other_gradients = train(case, **how)
        real = {k: g for k, g in gradients.items() if float(g.abs().max()) > 1e-9}
        print(f"  {what}: losses differ by {(abs(other_losses / losses - 1)).max():.1e}, "
              f"running statistics by {apart(statistics(other), running):.1e}, "
              f"gradients by {apart(other_gradients, real):.1e}", flush=True)


def inference(name, **options):
    case = {"name": name, "kind": "inference", "batch": 2, **options}
    cases.append(case)
    net = Net()
    with torch.no_grad():
        features, logits = run(case, net, scaled(case, 0, net.dtype))
    at = [hashed(SAMPLES, 3000 + n) % np.uint64(features.shape[1]) for n in range(case["batch"])]
    tensors[f"{name}/logits"] = logits
    tensors[f"{name}/features"] = torch.stack(
        [features[n][torch.tensor(a.astype(np.int64))] for n, a in enumerate(at)])
    tensors[f"{name}/largest"] = features.abs().max().reshape(1)
    print(f"{name}: {features.shape[1]} features up to {float(features.abs().max()):.3f}, "
          f"logits {logits.numpy().round(4).tolist()}", flush=True)


# As Keras's and PyTorch's weights want it, but for the range: -2 .. 2 or so in both.
BGR = {"scale": 1 / 64, "mean": [103.939 / 64, 116.779 / 64, 123.68 / 64], "deviation": [1, 1, 1],
       "reverse": True}
RGB = {"scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225],
       "reverse": False}
KERAS = {"network": "resnet50", "form": "keras", "scaling": BGR}
TORCH = {"network": "resnet50", "form": "torch", "scaling": RGB}
VGG = {"network": "vgg16", "scaling": RGB}

if __name__ == "__main__":
    for size in (64, 97):
        inference(f"vgg16_{size}", size=size, **VGG)
        inference(f"resnet50_keras_{size}", size=size, **KERAS)
        inference(f"resnet50_torch_{size}", size=size, **TORCH)
    training("resnet50_keras_steps", lr=1e-5, **KERAS)
    training("resnet50_torch_steps", lr=1e-5, **TORCH)
    training("vgg16_steps", lr=1e-5, **VGG)
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../fixtures/finetune.safetensors")
    torch_fixture.write(out, tensors, cases, f"PyTorch {torch.__version__}, float64")
