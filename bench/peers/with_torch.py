"""PyTorch: the network as a module, channels last."""
import numpy as np
import torch
import torch.nn.functional as F
from network import channels_first

VERSION = f"PyTorch {torch.__version__}"


class Module(torch.nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers
        self.parts = torch.nn.ModuleDict()
        for layer in layers:
            if layer.op == "conv":
                kh, kw, channels, filters = layer.kernel.shape
                part = torch.nn.Conv2d(channels, filters, (kh, kw), layer.stride, layer.pad)
                part.weight.data = torch.tensor(layer.kernel.transpose(3, 2, 0, 1).copy())
                part.bias.data = torch.tensor(layer.bias)
            elif layer.op == "dense":
                part = torch.nn.Linear(*layer.kernel.shape)
                part.weight.data = torch.tensor(channels_first(layers, layer).T.copy())
                part.bias.data = torch.tensor(layer.bias)
            elif layer.op == "norm":
                gamma, beta, mean, variance = (torch.tensor(values) for values in layer.norm)
                part = torch.nn.BatchNorm2d(len(gamma), layer.epsilon, 0.01)
                part.weight.data, part.bias.data = gamma, beta
                part.running_mean, part.running_var = mean, variance
            else:
                continue
            self.parts[layer.name] = part

    def forward(self, pixels):
        values = [pixels]
        for layer in self.layers[1:]:
            x = values[layer.inputs[0]]
            if layer.op in ("conv", "dense", "norm"):
                x = self.parts[layer.name](x)
            elif layer.op == "relu":
                x = F.relu(x, inplace=True)  # of a value that nothing else reads
            elif layer.op == "pool":
                x = F.max_pool2d(x, layer.size, layer.stride, layer.pad)
            elif layer.op == "average":
                x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
            elif layer.op == "flatten":
                x = torch.flatten(x, 1)
            else:
                x = x + values[layer.inputs[1]]
            values.append(x)
        return values[-1]


def batches(x, batch, dtype):
    """Batches of NHWC pixels as NCHW tensors, channels last in memory."""
    x = torch.from_numpy(np.ascontiguousarray(x)).to(dtype)
    return [x[i:i + batch].permute(0, 3, 1, 2) for i in range(0, len(x), batch)]


DTYPES = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16}


def predictor(network, way, batch, threads, folder):
    """way: f32, bf16, or f64 for the values that all are compared with."""
    torch.set_num_threads(threads)
    dtype = DTYPES[way]
    model = Module(network.folded()).eval().to(dtype=dtype, memory_format=torch.channels_last)

    def step(pixels):
        with torch.inference_mode():
            return model(pixels).float().numpy()

    return step, lambda x: batches(x, batch, dtype)


def trainer(network, way, batch, threads):
    """way: f32 or bf16 (autocast), "-compiled" behind it for torch.compile."""
    torch.set_num_threads(threads)
    model = Module(network.layers).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    labels = (torch.arange(batch) % 2).float()[:, None]
    forward = torch.compile(model) if way.endswith("compiled") else model

    def step(pixels):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=way.startswith("bf16")):
            logits = forward(pixels)
        loss = F.binary_cross_entropy_with_logits(logits.float(), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, lambda x: batches(x, batch, torch.float32)
