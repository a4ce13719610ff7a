#!/usr/bin/env python3
"""Makes tests/fixtures/ops.safetensors: every operation of ops.def forward and backward, and the
two losses, by PyTorch in float64 from float32 inputs.

  torch_ops.py [OUT]

Case c has the tensors c/x (c/x2), c/dy, parameters c/kernel, c/bias, c/gamma, ..., the results c/y,
c/dx (c/dx2) and c/dkernel, c/dbias, c/dgamma, c/dbeta: gradients of sum(y * dy).

Batch normalization's running statistics are Keras's: running = momentum * running + (1 - momentum)
* batch with the biased variance. PyTorch's momentum is the other share, and it puts the unbiased
variance into the running one; so the script computes them from the batch and checks that PyTorch's
differ by just that factor."""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import torch_fixture

random = np.random.RandomState(20240611)
tensors, cases = {}, []


def draw(*shape, scale=1.0, shift=0.0):
    """float32 values, held in float64, whose gradient is wanted."""
    values = (random.standard_normal(shape) * scale + shift).astype(np.float32)
    return torch.tensor(values.astype(np.float64), requires_grad=True)


def nchw(t):
    return t.permute(0, 3, 1, 2)


def keep(name, **values):
    for key, tensor in values.items():
        if tensor is not None:
            tensors[f"{name}/{key}"] = tensor


def backward(name, y, **inputs):
    """Stores y [N][..] and the gradients of sum(y * dy)."""
    dy = draw(*y.shape).detach()
    (y * dy).sum().backward()
    keep(name, y=y, dy=dy, **{f"d{key}": t.grad for key, t in inputs.items() if t is not None})


def case(op, name, batch, shape, **attributes):
    cases.append({"op": op, "name": name, "batch": batch, "in": list(shape), **attributes})


def conv2d(name, batch, shape, filters, kernel, stride, pad, bias, relu=False, add=False):
    case("conv2d", name, batch, shape, filters=filters, kernel=kernel, stride=stride, pad=pad,
         bias=bias, relu=relu, add=add, training=not add)
    x = draw(batch, *shape)
    w = draw(kernel, kernel, shape[2], filters, scale=0.3)
    b = draw(filters) if bias else None
    y = F.conv2d(nchw(x), w.permute(3, 2, 0, 1), b, stride, pad)
    y = torch_fixture.nhwc(y)
    other = draw(*y.shape) if add else None
    if add:
        y = y + other
    if relu:
        y = F.relu(y)
    keep(name, x=x, x2=other, kernel=w, bias=b)
    if add:
        keep(name, y=y)  # only fused in inference: no way back
    else:
        backward(name, y, x=x, kernel=w, bias=b)


def batchnorm(name, batch, shape, training, momentum, epsilon=1e-3, relu=False, shift=0.0):
    case("batchnorm", name, batch, shape, epsilon=epsilon, momentum=momentum, relu=relu,
         training=training)
    epsilon, momentum = float(np.float32(epsilon)), float(np.float32(momentum))
    channels = shape[2]
    x = draw(batch, *shape, scale=2.0, shift=shift)
    gamma, beta = draw(channels, shift=1.0), draw(channels)
    mean = draw(channels).detach()
    variance = draw(channels).detach().square() + 0.5
    variance = variance.float().double()
    keep(name, x=x, gamma=gamma, beta=beta, mean=mean, variance=variance)
    theirs = [mean.clone(), variance.clone()]
    y = F.batch_norm(nchw(x), *theirs, gamma, beta, training, 1 - momentum, epsilon)
    y = torch_fixture.nhwc(y)
    if relu:
        y = F.relu(y)
    if training:
        rows = x.detach().reshape(-1, channels)
        biased = rows.var(0, unbiased=False)
        running = [momentum * mean + (1 - momentum) * rows.mean(0),
                   momentum * variance + (1 - momentum) * biased]
        unbiased = biased * len(rows) / (len(rows) - 1)
        assert torch.allclose(theirs[0], running[0], rtol=1e-12)
        assert torch.allclose(theirs[1], momentum * variance + (1 - momentum) * unbiased, rtol=1e-12)
        keep(name, new_mean=running[0], new_variance=running[1])
    backward(name, y, x=x, gamma=gamma, beta=beta)


def maxpool(name, batch, shape, kernel, stride, pad, relu=False):
    case("maxpool", name, batch, shape, kernel=kernel, stride=stride, pad=pad, relu=relu,
         training=True)
    x = draw(batch, *shape)
    keep(name, x=x)
    y = torch_fixture.nhwc(F.max_pool2d(nchw(x), kernel, stride, pad))
    backward(name, F.relu(y) if relu else y, x=x)


def plain(op, name, batch, shape, function):
    case(op, name, batch, shape, training=True)
    x = draw(batch, *shape)
    keep(name, x=x)
    backward(name, function(x), x=x)


def dense(name, batch, channels, units, relu=False):
    case("dense", name, batch, (1, 1, channels), filters=units, relu=relu, training=True)
    x, w, b = draw(batch, channels), draw(channels, units, scale=0.3), draw(units)
    y = x @ w + b
    keep(name, x=x, kernel=w, bias=b)
    backward(name, F.relu(y) if relu else y, x=x, kernel=w, bias=b)


def add(name, batch, shape, relu=False):
    case("add", name, batch, shape, relu=relu, training=True)
    x, x2 = draw(batch, *shape), draw(batch, *shape)
    keep(name, x=x, x2=x2)
    backward(name, F.relu(x + x2) if relu else x + x2, x=x, x2=x2)


def loss(name, batch, classes, scale):
    """Mean of the cross-entropies, and mean of them times their class's weight (as Keras's
    class_weight: divided by the batch). One column: sigmoid."""
    case("loss", name, batch, (1, 1, classes))
    logits = draw(batch, classes, scale=scale)
    labels = random.randint(0, max(classes, 2), batch)
    weights = torch.tensor(random.uniform(0.5, 2, max(classes, 2)).astype(np.float32).astype(np.float64))
    if classes == 1:
        each = F.binary_cross_entropy_with_logits(
            logits[:, 0], torch.tensor(labels, dtype=torch.float64), reduction="none")
        correct = ((logits[:, 0] > 0).numpy() == labels).sum()
    else:
        each = F.cross_entropy(logits, torch.tensor(labels), reduction="none")
        correct = (logits.argmax(1).numpy() == labels).sum()
    keep(name, logits=logits, labels=labels, weights=weights, correct=np.array([correct]))
    each.mean().backward(retain_graph=True)
    keep(name, sum=each.sum().reshape(1), dlogits=logits.grad.clone())
    logits.grad = None
    weighted = each * weights[torch.tensor(labels)]
    weighted.mean().backward()
    keep(name, weighted_sum=weighted.sum().reshape(1), weighted_dlogits=logits.grad)


conv2d("conv_3x3", 2, (7, 5, 1), 3, 3, 1, 0, True)
conv2d("conv_3x3_stride2_pad1", 2, (8, 6, 3), 5, 3, 2, 1, False)
conv2d("conv_1x1", 1, (9, 9, 4), 6, 1, 1, 0, True)
conv2d("conv_1x1_stride2", 2, (7, 7, 4), 3, 1, 2, 0, False)
conv2d("conv_7x7_stride2_pad3", 1, (13, 11, 3), 4, 7, 2, 3, True)
conv2d("conv_3x3_pad1_relu", 2, (6, 6, 2), 17, 3, 1, 1, True, relu=True)
conv2d("conv_5x5_stride3_pad2", 1, (10, 10, 2), 2, 5, 3, 2, False)
conv2d("conv_2x2_stride2_pad1", 1, (7, 7, 17), 3, 2, 2, 1, True)
conv2d("conv_3x3_leftover", 1, (8, 9, 2), 3, 3, 3, 0, True)  # columns that no window reaches
conv2d("conv_add_relu", 2, (5, 5, 3), 4, 3, 1, 1, True, relu=True, add=True)
batchnorm("batchnorm_training", 4, (3, 5, 3), True, 0.99)
batchnorm("batchnorm_inference", 4, (3, 5, 3), False, 0.99)
batchnorm("batchnorm_relu", 3, (2, 3, 17), True, 0.9, epsilon=1e-5, relu=True)
batchnorm("batchnorm_large_mean", 8, (2, 2, 2), True, 0.9, shift=300.0)
plain("relu", "relu", 2, (5, 3, 4), F.relu)
maxpool("maxpool_2x2", 2, (6, 4, 3), 2, 2, 0)
maxpool("maxpool_2x2_odd", 2, (7, 5, 2), 2, 2, 0)
maxpool("maxpool_3x3_stride2_pad1", 2, (8, 7, 3), 3, 2, 1)
maxpool("maxpool_3x3_overlapping", 1, (6, 6, 2), 3, 1, 0)
maxpool("maxpool_2x2_relu", 3, (7, 6, 3), 2, 2, 0, relu=True)
plain("global_avgpool", "avgpool", 3, (5, 7, 4), lambda x: x.mean((1, 2)))
dense("dense", 3, 19, 5)
dense("dense_relu", 9, 10, 33, relu=True)
add("add", 2, (3, 4, 5))
add("add_relu", 2, (3, 4, 5), relu=True)
plain("flatten", "flatten", 2, (3, 4, 5), lambda x: x.reshape(2, -1))
loss("sigmoid_loss", 9, 1, 3.0)
loss("sigmoid_loss_extreme", 6, 1, 60.0)
loss("softmax_loss", 7, 3, 3.0)
loss("softmax_loss_extreme", 5, 4, 60.0)

here = os.path.dirname(os.path.abspath(__file__))
out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../fixtures/ops.safetensors")
torch_fixture.write(out, tensors, cases, f"PyTorch {torch.__version__}, float64")
