#!/usr/bin/env python3
"""Makes tests/fixtures/explain.safetensors: what explains a logit, by PyTorch in float64.

  torch_explain.py [OUT]

The networks, parameters and pixels are those of torch_finetune.py (the CNN's parameters follow the
same formula). Class 1 is the positive one, whose logit the network gives; the logit of class 0 is
that with its sign turned round. What follows from one class's map by turning signs round is computed
for class n % 2 of image n only, the rest for both.

Case c holds for its N images, as far as it is about the method,
  c/logits     [N][1]
  c/gradcam    [N][2][maps' places]: relu of the mean over channels k of A[k] weighted by the mean
               gradient of A[k]; A: behind the last convolution and its relu (Selvaraju et al. 2017)
  c/plus       [N][2][maps' places]: weights by alpha as in Chattopadhay et al. 2018, equation 19,
               without the factor exp(logit)
  c/occlusion  [N][15 * 15]: the fall of the logit under a black patch of an eighth of the side, in
               steps of half of it
  c/gradients  [N][SAMPLES]: integrated gradients from a black image in STEPS steps at their middles,
               summed over the channels of a pixel, at places hashed(i, 3000 + n) modulo the pixels;
               c/largest [N], the largest of all by amount; c/sum [N], their sum"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import torch_finetune
import torch_fixture
from torch_finetune import KERAS, TORCH, VGG, Net
from torch_fixture import hashed

SAMPLES, STEPS = 64, 64
tensors, cases = {}, []


def cnn(net, x, case):
    for i, filters in enumerate((32, 64, 128, 128), 1):
        x = F.relu(net.conv(x, f"conv{i}", filters, 3, 1, 0, True))
        net.maps = x
        x = F.max_pool2d(x, 2)
    features = F.relu(net.dense(torch_fixture.nhwc(x).flatten(1), "dense1", 512))
    return features, net.dense(features, "logits", 1)


def run(case, net, x):
    return cnn(net, x, case) if case["network"] == "cnn" else torch_finetune.run(case, net, x)


def score(case, net, x, label):
    """The class's logit of each input."""
    return run(case, net, x)[1][:, 0] * (1 if label else -1)


def cams(case, net, x, label):
    y = score(case, net, x, label)
    a = net.maps
    (g,) = torch.autograd.grad(y.sum(), a)
    a, g = a[0].flatten(1), g[0].flatten(1)
    plain = F.relu((g.mean(1, keepdim=True) * a).sum(0))
    below = 2 * g**2 + g**3 * a.sum(1, keepdim=True)
    alpha = torch.where(below != 0, g**2 / torch.where(below != 0, below, torch.ones_like(below)), 0)
    plus = F.relu(((alpha * F.relu(g)).sum(1, keepdim=True) * a).sum(0))
    return plain.detach(), plus.detach()


def black(case, dtype):
    s = case["scaling"]
    colour = -torch.tensor(s["mean"], dtype=dtype) / torch.tensor(s["deviation"], dtype=dtype)
    return colour.reshape(1, 3, 1, 1)


def occlusion(case, net, x, label):
    size = case["size"]
    patch = size // 8
    step, out = patch // 2, []
    with torch.no_grad():
        plain = score(case, net, x, label)[0]
        for top in range(0, size - patch + 1, step):
            row = []
            for left in range(0, size - patch + 1, step):
                covered = x.clone()
                covered[:, :, top : top + patch, left : left + patch] = black(case, x.dtype)
                row.append(covered)
            out.append(plain - score(case, net, torch.cat(row), label))
    return torch.cat(out)


def integrated(case, net, x, label):
    base = black(case, x.dtype).expand_as(x)
    total = torch.zeros_like(x)
    for k in range(STEPS):
        at = (base + (k + 0.5) / STEPS * (x - base)).detach().requires_grad_()
        (g,) = torch.autograd.grad(score(case, net, at, label).sum(), at)
        total += g / STEPS
    return ((x - base) * total).sum(1).flatten()


METHODS = {"gradcam": lambda *a: cams(*a)[0], "plus": lambda *a: cams(*a)[1],
           "occlusion": occlusion, "gradients": integrated}
CAMS = ("gradcam", "plus")


def maps_of(case, net, x, method):
    """Of each image those of its classes, one behind the other."""
    return [torch.cat([METHODS[method](case, net, x[n : n + 1], label)
                       for label in ((0, 1) if method in CAMS else (n % 2,))])
            for n in range(case["batch"])]


def explain(name, methods=CAMS, **options):
    case = {"name": name, "batch": 2, **options}
    cases.append(case)
    net, single = Net(), Net(dtype=torch.float32)
    x = torch_finetune.scaled(case, 0, net.dtype)
    with torch.no_grad():
        logits = tensors[f"{name}/logits"] = run(case, net, x)[1]
    print(f"{name}: logits {logits.numpy().round(4).tolist()}")
    for method in methods:
        maps, again = maps_of(case, net, x, method), maps_of(case, single, x.float(), method)
        # How far float32 alone is from that, relative to the largest value.
        off = max(float((b - a).abs().max() / a.abs().max()) for a, b in zip(maps, again))
        print(f"  {method}: up to {[float(m.abs().max()) for m in maps]}, sums "
              f"{[float(m.sum()) for m in maps]}; float32 is off by {off:.1e}", flush=True)
        if method == "gradients":
            tensors[f"{name}/largest"] = torch.stack([m.abs().max() for m in maps])
            tensors[f"{name}/sum"] = torch.stack([m.sum() for m in maps])
            at = [hashed(SAMPLES, 3000 + n) % np.uint64(m.numel()) for n, m in enumerate(maps)]
            maps = [m[torch.tensor(a.astype(np.int64))] for m, a in zip(maps, at)]
        tensors[f"{name}/{method}"] = torch.stack(maps)


PLAIN = {"scale": 1 / 255, "mean": [0, 0, 0], "deviation": [1, 1, 1], "reverse": False}

explain("cnn", METHODS, network="cnn", size=96, scaling=PLAIN)
explain("vgg16", size=96, **VGG)
explain("resnet50_keras", size=96, **KERAS)
explain("resnet50_torch", size=96, **TORCH)
explain("resnet50_keras_gradients", ("gradients",), size=64, **KERAS)
here = os.path.dirname(os.path.abspath(__file__))
out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../fixtures/explain.safetensors")
torch_fixture.write(out, tensors, cases, f"PyTorch {torch.__version__}, float64")
