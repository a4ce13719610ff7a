#!/usr/bin/env python3
"""Makes tests/fixtures/cnn.safetensors: the whole CNN of src/zoo/cnn.c by PyTorch in float64.

  torch_cnn.py [OUT]

Cases "two_classes" (one logit, sigmoid) and "three_classes" (softmax) are small networks: c/pixels
[N][S][S][3] uint8, c/labels [N], parameters c/<layer>/<name> in leuko's names and layouts,
c/logits, c/loss (mean), its gradients c/d/<layer>/<name> and the parameters after ten steps of Adam
on that batch, c/after/<layer>/<name>.

Adam is written out here as Keras has it (learning rate 1e-3, 0.9, 0.999, epsilon 1e-7): update =
rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon). PyTorch divides v by 1 - b2^t before
it adds epsilon, which is another number where gradients are small.

Cases "batch_of_4" and "batch_of_32" are the paper's network at 128 pixels with parameters and pixels
from a formula (torch_fixture.hashed), so that only the logits are stored and, of each gradient, the
largest entry (c/largest, in the graph's order) and SAMPLES others, c/d/<layer>/<name>[i] at place
hashed(i, 2000 + index of the parameter) modulo the length. Two batches, since oneDNN takes
Winograd's algorithm for large ones only."""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import torch_fixture
from torch_fixture import hashed

SAMPLES = 64
tensors, cases = {}, []


def shapes(case):
    """Name and shape of every parameter, in the graph's order."""
    out, channels, side = [], 3, case["size"]
    for i, width in enumerate(case["widths"]):
        out += [(f"conv{i + 1}/kernel", (3, 3, channels, width)), (f"conv{i + 1}/bias", (width,))]
        channels, side = width, (side - 2) // 2
    flat = side * side * channels
    out += [("dense1/kernel", (flat, case["dense"])), ("dense1/bias", (case["dense"],))]
    out += [("logits/kernel", (case["dense"], case["outputs"])), ("logits/bias", (case["outputs"],))]
    return out


def parameters(case):
    """Uniform within +-sqrt(6 / inputs of a unit) for kernels and +-0.1 for biases, as float32."""
    out = {}
    for stream, (name, shape) in enumerate(shapes(case)):
        limit = np.sqrt(6 / np.prod(shape[:-1])) if len(shape) > 1 else 0.1
        u = hashed(np.prod(shape), stream).astype(np.float64) / 2**24
        values = ((2 * u - 1) * limit).astype(np.float32)
        out[name] = torch.tensor(values.reshape(shape).astype(np.float64), requires_grad=True)
    return out


def pixels_of(case):
    return torch_fixture.cell_pixels(case["batch"], case["size"], case["stream"])


def forward(case, p, pixels, margins=None):
    """Logits. `margins` receives, of every relu and pooling, how near the nearest choice was,
    relative to the largest value: below float32's error, another sum would choose otherwise."""
    def relu(z):
        if margins is not None:
            margins.append(float(z.detach().abs().min() / z.detach().abs().max()))
        return F.relu(z)

    def pool(z):
        if margins is not None:
            n, c, h, w = z.shape
            windows = z.detach()[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
            best = windows.permute(0, 1, 2, 4, 3, 5).flatten(4).topk(2).values
            gaps = (best[..., 0] - best[..., 1])[best[..., 0] > 0]
            gaps = gaps[gaps > 0]  # equal ones see the same black: either choice is right
            margins.append(float(gaps.min() / best.max()))
        return F.max_pool2d(z, 2)

    x = torch.tensor(pixels.astype(np.float64) / 255).to(next(iter(p.values())).dtype)
    x = x.permute(0, 3, 1, 2)
    for i in range(len(case["widths"])):
        kernel = p[f"conv{i + 1}/kernel"].permute(3, 2, 0, 1)
        x = pool(relu(F.conv2d(x, kernel, p[f"conv{i + 1}/bias"])))
    x = torch_fixture.nhwc(x).flatten(1)
    x = relu(x @ p["dense1/kernel"] + p["dense1/bias"])
    return x @ p["logits/kernel"] + p["logits/bias"]


def mean_loss(logits, labels):
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype))
    return F.cross_entropy(logits, labels)


def adam(case, p, pixels, labels, steps):
    rate, b1, b2, epsilon = 1e-3, 0.9, 0.999, 1e-7
    p = {name: value.detach().clone().requires_grad_() for name, value in p.items()}
    m = {name: torch.zeros_like(value) for name, value in p.items()}
    v = {name: torch.zeros_like(value) for name, value in p.items()}
    for t in range(1, steps + 1):
        for value in p.values():
            value.grad = None
        mean_loss(forward(case, p, pixels), labels).backward()
        for name, value in p.items():
            m[name] = b1 * m[name] + (1 - b1) * value.grad
            v[name] = b2 * v[name] + (1 - b2) * value.grad**2
            scale = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
            with torch.no_grad():
                value -= scale * m[name] / (v[name].sqrt() + epsilon)
    return p


def off(single, p):
    """The largest difference of two sets of gradients, relative to each tensor's largest entry."""
    return max(float((single[k].grad - p[k].grad).abs().max() / p[k].grad.abs().max()) for k in p)


def small(name, outputs, **options):
    case = {"name": name, "outputs": outputs, **options}
    cases.append(case)
    p = parameters(case)
    for case["stream"] in range(1000, 2000):
        pixels, margins = pixels_of(case), []
        logits = forward(case, p, pixels, margins)
        if min(margins) > 1e-6:
            break
    labels = torch.tensor([i % max(outputs, 2) for i in range(case["batch"])])
    loss = mean_loss(logits, labels)
    loss.backward()
    after = adam(case, p, pixels, labels, 10)
    tensors.update({f"{name}/pixels": pixels, f"{name}/labels": labels, f"{name}/logits": logits,
                    f"{name}/loss": loss.reshape(1)})
    tensors.update({f"{name}/{key}": value for key, value in p.items()})
    tensors.update({f"{name}/d/{key}": value.grad for key, value in p.items()})
    tensors.update({f"{name}/after/{key}": value for key, value in after.items()})
    # How far float32 alone is from that: the tolerances of the tests must leave room for it.
    single = {key: value.detach().float().requires_grad_() for key, value in p.items()}
    mean_loss(forward(case, single, pixels), labels).backward()
    again = adam(case, {k: v.detach().float() for k, v in p.items()}, pixels, labels, 10)
    moved = max(float((again[k] - after[k]).detach().abs().max() / after[k].detach().abs().max())
                for k in p)
    print(f"{name} (pixels {case['stream']}, margin {min(margins):.1e}): "
          f"logits {logits.detach().numpy().round(3).tolist()}, loss {loss.item():.4f}; "
          f"float32 differs by {off(single, p):.1e} in gradients, {moved:.1e} after ten steps")


def full_size(name, batch, stream):
    """`stream` is one for which float32's sums choose as float64's do, here at least."""
    case = {"name": name, "outputs": 1, "size": 128, "widths": [32, 64, 128, 128], "dense": 512,
            "batch": batch, "stream": stream}
    cases.append(case)
    pixels, p = pixels_of(case), parameters(case)
    labels = torch.tensor([i % 2 for i in range(case["batch"])])
    logits = forward(case, p, pixels)
    mean_loss(logits, labels).backward()
    tensors.update({f"{name}/labels": labels, f"{name}/logits": logits})
    tensors[f"{name}/largest"] = torch.stack([value.grad.abs().max() for value in p.values()])
    for stream, (key, value) in enumerate(p.items()):
        at = hashed(SAMPLES, 2000 + stream) % np.uint64(value.numel())
        tensors[f"{name}/d/{key}"] = value.grad.flatten()[torch.tensor(at.astype(np.int64))]
    single = {key: value.detach().float().requires_grad_() for key, value in p.items()}
    mean_loss(forward(case, single, pixels), labels).backward()
    print(f"{name}: logits {logits.detach().numpy().round(4).tolist()}; "
          f"float32 differs by {off(single, p):.1e} in gradients")


small("two_classes", 1, size=62, widths=[4, 6, 8, 8], dense=16, batch=4)
small("three_classes", 3, size=46, widths=[5, 6, 7], dense=9, batch=6)
full_size("batch_of_4", 4, 1000)
full_size("batch_of_32", 32, 1006)
here = os.path.dirname(os.path.abspath(__file__))
out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../fixtures/cnn.safetensors")
torch_fixture.write(out, tensors, cases, f"PyTorch {torch.__version__}, float64")
