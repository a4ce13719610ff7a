"""ONNX Runtime: the network as ONNX, node by node; int8 by its own static quantization."""
import os

import numpy as np
import onnx
import onnxruntime
from network import channels_first
from onnx import TensorProto, helper, numpy_helper

VERSION = f"ONNX Runtime {onnxruntime.__version__}"


def save_onnx(network, path):
    """Writes the folded network; any batch, float32 NCHW."""
    layers, nodes, weights, names = network.folded(), [], [], []

    def weight(name, values):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    for layer in layers:
        name, x = layer.name, [names[i] for i in layer.inputs]
        if layer.op == "conv":
            x += [weight(f"{name}/kernel", layer.kernel.transpose(3, 2, 0, 1)),
                  weight(f"{name}/bias", layer.bias)]
            how = {"kernel_shape": layer.kernel.shape[:2], "strides": [layer.stride] * 2,
                   "pads": [layer.pad] * 4}
            nodes.append(helper.make_node("Conv", x, [name], name, **how))
        elif layer.op == "dense":
            x += [weight(f"{name}/kernel", channels_first(layers, layer)),
                  weight(f"{name}/bias", layer.bias)]
            nodes.append(helper.make_node("Gemm", x, [name], name))
        elif layer.op == "pool":
            how = {"kernel_shape": [layer.size] * 2, "strides": [layer.stride] * 2,
                   "pads": [layer.pad] * 4}
            nodes.append(helper.make_node("MaxPool", x, [name], name, **how))
        elif layer.op == "average":
            nodes.append(helper.make_node("GlobalAveragePool", x, [f"{name}/pixel"], f"{name}/pixel"))
            nodes.append(helper.make_node("Flatten", [f"{name}/pixel"], [name], name))
        elif layer.op != "input":
            op = {"relu": "Relu", "flatten": "Flatten", "add": "Add"}[layer.op]
            nodes.append(helper.make_node(op, x, [name], name))
        names.append(name)
    side = network.size
    graph = helper.make_graph(
        nodes, network.name,
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def batches(x, batch):
    x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return [x[i:i + batch] for i in range(0, len(x), batch)]


def prepare(network, folder, calibration):
    """Writes f32.onnx and int8.onnx. `calibration`: scaled pixels."""
    from onnxruntime import quantization as q

    class Reader(q.CalibrationDataReader):
        def __init__(self):
            self.left = iter(batches(calibration, 16))

        def get_next(self):
            pixels = next(self.left, None)
            return None if pixels is None else {"pixels": pixels}

    plain, ready = os.path.join(folder, "f32.onnx"), os.path.join(folder, "shapes.onnx")
    save_onnx(network, plain)
    q.quant_pre_process(plain, ready, skip_symbolic_shape=True)
    # Unsigned activations with signed weights, one scale an output channel: what its kernels for
    # x86 are made for.
    q.quantize_static(ready, os.path.join(folder, "int8.onnx"), Reader(), per_channel=True,
                      activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8)


def predictor(network, way, batch, threads, folder):
    """way: f32 or int8."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(os.path.join(folder, f"{way}.onnx"), options,
                                           providers=["CPUExecutionProvider"])
    return (lambda pixels: session.run(None, {"pixels": pixels})[0]), lambda x: batches(x, batch)
