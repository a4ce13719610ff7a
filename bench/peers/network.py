"""The network of a leuko model file as a list of layers, from which every peer is built."""
import json
from dataclasses import dataclass, field

import numpy as np
import pretrained


@dataclass
class Layer:
    op: str  # input conv norm relu pool average flatten dense add
    name: str
    inputs: list = field(default_factory=list)  # indices of layers before this one
    kernel: np.ndarray = None  # conv: [kh][kw][in][out]; dense: [in][out]
    bias: np.ndarray = None  # conv, dense: [out]
    norm: tuple = None  # gamma, beta, mean, variance
    epsilon: float = 0
    size: int = 0  # pool: side of the window
    stride: int = 1
    pad: int = 0  # on every side; zeros for conv, nothing for pool
    shape: tuple = ()  # of the output: (height, width, channels) or (values,)


class Network:
    """Layers in the order of computation; the last one gives the logit."""

    def __init__(self, path):
        self.tensors, metadata = pretrained.float_tensors(path)
        described = json.loads(metadata["leuko"])
        self.options, self.preprocessing = described["network"], described["preprocessing"]
        self.name, self.size = self.options["name"], self.options["size"]
        self.layers = []
        x = self._add(Layer("input", "pixels", shape=(self.size, self.size, 3)))
        x = {"cnn": self._cnn, "vgg16": self._vgg16, "resnet50": self._resnet50}[self.name](x)
        self._dense("logits", x)

    def _add(self, layer):
        self.layers.append(layer)
        return len(self.layers) - 1

    def _tensor(self, layer, part):
        return self.tensors.get(f"{layer}/{part}")

    def _conv(self, name, x, stride=1, pad=0):
        kernel, (height, width, _) = self._tensor(name, "kernel"), self.layers[x].shape
        bias = self._tensor(name, "bias")
        if bias is None:
            bias = np.zeros(kernel.shape[3], np.float32)
        sides = [(side + 2 * pad - kernel.shape[0]) // stride + 1 for side in (height, width)]
        return self._add(Layer("conv", name, [x], kernel=kernel, bias=bias, stride=stride, pad=pad,
                               shape=(*sides, kernel.shape[3])))

    def _norm(self, name, x):
        values = tuple(self._tensor(name, part) for part in ("gamma", "beta", "mean", "variance"))
        return self._add(Layer("norm", name, [x], norm=values, epsilon=self.options["epsilon"],
                               shape=self.layers[x].shape))

    def _relu(self, name, x):
        return self._add(Layer("relu", name, [x], shape=self.layers[x].shape))

    def _pool(self, name, x, size=2, stride=2, pad=0):
        height, width, channels = self.layers[x].shape
        sides = [(side + 2 * pad - size) // stride + 1 for side in (height, width)]
        return self._add(Layer("pool", name, [x], size=size, stride=stride, pad=pad,
                               shape=(*sides, channels)))

    def _flatten(self, x):
        return self._add(Layer("flatten", "flatten", [x], shape=(int(np.prod(self.layers[x].shape)),)))

    def _dense(self, name, x):
        kernel = self._tensor(name, "kernel")
        return self._add(Layer("dense", name, [x], kernel=kernel, bias=self._tensor(name, "bias"),
                               shape=(kernel.shape[1],)))

    def _cnn(self, x):
        for i in range(1, len(self.options["widths"]) + 1):
            x = self._relu(f"conv{i}_relu", self._conv(f"conv{i}", x))
            x = self._pool(f"pool{i}", x)
        return self._relu("dense1_relu", self._dense("dense1", self._flatten(x)))

    def _vgg16(self, x):
        for block, convolutions in enumerate((2, 2, 3, 3, 3), 1):
            for i in range(1, convolutions + 1):
                name = f"block{block}_conv{i}"
                x = self._relu(f"{name}_relu", self._conv(name, x, pad=1))
            x = self._pool(f"block{block}_pool", x)
        return self._relu("dense1_relu", self._dense("dense1", self._flatten(x)))

    def _resnet50(self, x):
        keras = self.options["form"] == "keras"  # else torchvision's: the stride is on the 3x3

        def conv_norm(name, x, stride=1, pad=0):
            return self._norm(f"{name}_bn", self._conv(f"{name}_conv", x, stride, pad))

        x = self._relu("conv1_relu", conv_norm("conv1", x, 2, 3))
        x = self._pool("pool1_pool", x, 3, 2, 1)
        for stage, blocks in enumerate((3, 4, 6, 3), 2):
            for block in range(1, blocks + 1):
                name, stride = f"conv{stage}_block{block}", 2 if block == 1 and stage > 2 else 1
                shortcut = conv_norm(f"{name}_0", x, stride) if block == 1 else x
                x = self._relu(f"{name}_1_relu", conv_norm(f"{name}_1", x, stride if keras else 1))
                x = conv_norm(f"{name}_2", x, 1 if keras else stride, 1)
                x = conv_norm(f"{name}_3", self._relu(f"{name}_2_relu", x))
                x = self._add(Layer("add", f"{name}_add", [shortcut, x], shape=self.layers[x].shape))
                x = self._relu(f"{name}_out", x)
        return self._add(Layer("average", "avg_pool", [x], shape=self.layers[x].shape[2:]))

    def folded(self):
        """The layers with batch normalization folded into the convolution before it."""
        layers, place = [], {}
        for i, layer in enumerate(self.layers):
            place[i] = len(layers)
            if layer.op != "norm":
                layers.append(Layer(**{**vars(layer), "inputs": [place[j] for j in layer.inputs]}))
                continue
            place[i] -= 1
            conv = layers[-1]
            gamma, beta, mean, variance = layer.norm
            factor = gamma / np.sqrt(variance + layer.epsilon)
            conv.kernel, conv.bias = conv.kernel * factor, (conv.bias - mean) * factor + beta
            conv.kernel, conv.bias = (x.astype(np.float32) for x in (conv.kernel, conv.bias))
        return layers

    def scaled(self, rgb):
        """What the network reads of 8-bit pixels [cells][size][size][3]: float32 of that shape."""
        p = self.preprocessing
        x = rgb[..., ::-1] if p["bgr"] else rgb
        x = x.astype(np.float32) * np.float32(p["scale"])
        x -= np.array(p["mean"], np.float32)
        return x / np.array(p["deviation"], np.float32)


def channels_first(layers, layer):
    """The kernel of a dense layer, its rows in the order [channel][height][width] where it reads
    flattened pixels."""
    before = layers[layer.inputs[0]]
    if before.op != "flatten":
        return layer.kernel
    height, width, channels = layers[before.inputs[0]].shape
    rows = layer.kernel.reshape(height, width, channels, -1)
    return rows.transpose(2, 0, 1, 3).reshape(layer.kernel.shape)
