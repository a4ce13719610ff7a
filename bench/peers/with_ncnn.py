"""ncnn: the network through PyTorch and pnnx; a batch as one image after the other, or as one."""
import os
import subprocess
import sys

import ncnn
import numpy as np

VERSION = f"ncnn {ncnn.__version__}"
INT8_TAG = 0x000D4B38  # before 8-bit weights in a .bin file
WEIGHTED = ("Convolution", "InnerProduct")


def pnnx(network, folder):
    import torch
    from with_torch import Module

    source = os.path.join(folder, "traced.pt")
    side = network.size
    with torch.inference_mode():
        torch.jit.trace(Module(network.folded()).eval(), torch.zeros(1, 3, side, side)).save(source)
    program = os.path.join(os.path.dirname(sys.executable), "pnnx")
    subprocess.run([program, "traced.pt", f"inputshape=[1,3,{side},{side}]", "fp16=0",
                    "ncnnparam=f32.param", "ncnnbin=f32.bin"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)


class Line:
    """One layer of a .param file: type name inputs outputs blobs... id=value..."""

    def __init__(self, text):
        fields = text.split()
        self.op, self.name = fields[:2]
        inputs, outputs = int(fields[2]), int(fields[3])
        self.inputs = fields[4:4 + inputs]
        self.outputs = fields[4 + inputs:4 + inputs + outputs]
        self.how = dict(field.split("=") for field in fields[4 + inputs + outputs:])

    def __str__(self):
        return " ".join([self.op, self.name, str(len(self.inputs)), str(len(self.outputs)),
                         *self.inputs, *self.outputs, *(f"{k}={v}" for k, v in self.how.items())])


def read_lines(path):
    with open(path) as file:
        magic, counts, *lines = file.read().splitlines()
    return magic, counts, [Line(line) for line in lines]


def activation_scales(folder, lines, calibration):
    """127 / the 99.99th percentile of what each weighted layer reads, the largest of all cells."""
    net = load(folder, "f32", 2)
    limits = {}
    for cell in calibration:
        pixels = np.ascontiguousarray(cell.transpose(2, 0, 1))  # lives as long as the Mat
        run = net.create_extractor()
        run.set_light_mode(False)  # keep what lies between
        run.input("in0", ncnn.Mat(pixels))
        for line in lines:
            if line.op in WEIGHTED:
                values = np.abs(np.array(run.extract(line.inputs[0])[1])).ravel()
                limit = float(np.quantile(values, 0.9999, method="nearest"))
                limits[line.name] = max(limits.get(line.name, 1e-6), limit)
    return {name: 127 / limit for name, limit in limits.items()}


def consumers(lines, blob):
    """The layers that read a blob, also behind a Split."""
    found = []
    for line in lines:
        if blob in line.inputs:
            split = line.op == "Split"
            found += [c for out in line.outputs for c in consumers(lines, out)] if split else [line]
    return found


def quantize(folder, calibration):
    """What ncnn's ncnn2table and ncnn2int8 do, which are not part of its Python package: 8-bit
    weights with one scale an output channel, one scale for what a layer reads, and where only
    convolutions read a convolution's output, that stays in 8 bits."""
    magic, counts, lines = read_lines(os.path.join(folder, "f32.param"))
    scales = activation_scales(folder, lines, calibration)
    with open(os.path.join(folder, "f32.bin"), "rb") as source, \
            open(os.path.join(folder, "int8.bin"), "wb") as target:
        for line in lines:
            if line.op not in WEIGHTED:
                continue
            outputs = int(line.how["0"])
            count = int(line.how["6" if line.op == "Convolution" else "2"])
            if int.from_bytes(source.read(4), "little") != 0:
                raise ValueError(f"{line.name}: its weights are not float32")
            weights = np.frombuffer(source.read(4 * count), "<f4").reshape(outputs, -1)
            bias = source.read(4 * outputs)
            each = (127 / np.maximum(np.abs(weights).max(1), 1e-12)).astype("<f4")
            bytes_ = np.rint(weights * each[:, None]).clip(-127, 127).astype(np.int8).tobytes()
            target.write(INT8_TAG.to_bytes(4, "little") + bytes_ + bytes(-len(bytes_) % 4) + bias)
            target.write(each.tobytes() + np.float32(scales[line.name]).tobytes())
            line.how["8"] = "2"
            readers = consumers(lines, line.outputs[0])
            if line.op == "Convolution" and all(r.op == "Convolution" for r in readers):
                line.how["8"] = "102"
                target.write(np.float32(scales[readers[0].name]).tobytes())
        if source.read(1):
            raise ValueError("f32.bin holds more than was read")
    with open(os.path.join(folder, "int8.param"), "w") as file:
        file.write("\n".join([magic, counts, *map(str, lines)]) + "\n")


def prepare(network, folder, calibration):
    """Writes f32.param, int8.param and their .bin files. `calibration`: scaled pixels."""
    pnnx(network, folder)
    quantize(folder, calibration)


def load(folder, way, threads):
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    net.opt.use_bf16_storage = way == "bf16"
    stored = "int8" if way == "int8" else "f32"
    for read, end in ((net.load_param, "param"), (net.load_model, "bin")):
        if read(os.path.join(folder, f"{stored}.{end}")):
            raise ValueError(f"ncnn cannot read {folder}/{stored}.{end}")
    return net


def predictor(network, way, batch, threads, folder):
    """way: f32, bf16 (storage) or int8, "-batch" behind it for a batch as one."""
    net = load(folder, way.partition("-")[0], threads)

    def answer(pixels):
        run = net.create_extractor()
        run.input("in0", pixels)
        logits = run.extract("out0")[1]
        return [np.array(logits.batch(i))[0] for i in range(logits.n)]

    def one_by_one(cells):
        return np.array([answer(cell) for cell in cells])

    def as_one(cells):
        return np.array(answer(cells))

    def split(x):
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        starts = range(0, len(x), batch)
        if way.endswith("-batch"):
            return [ncnn.Mat(x[i:i + batch], 0).clone() for i in starts]
        cells = [ncnn.Mat(cell).clone() for cell in x]  # a Mat only points to the array
        return [cells[i:i + batch] for i in starts]

    return (as_one if way.endswith("-batch") else one_by_one), split
