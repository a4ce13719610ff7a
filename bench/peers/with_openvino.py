"""OpenVINO: the ONNX network compiled for the processor; int8 by nncf."""
import os

import numpy as np
import openvino
from with_onnxruntime import batches, save_onnx

VERSION = f"OpenVINO {openvino.__version__.split('-')[0]}"


def prepare(network, folder, calibration):
    """Writes f32.xml and int8.xml with their weights. `calibration`: scaled pixels."""
    import nncf

    source = os.path.join(folder, "f32.onnx")
    save_onnx(network, source)
    model = openvino.convert_model(source)
    # Weights stay float32, as in every other peer.
    openvino.save_model(model, os.path.join(folder, "f32.xml"), compress_to_fp16=False)
    cells = batches(calibration, 1)
    quantized = nncf.quantize(model, nncf.Dataset(cells), subset_size=len(cells),
                              target_device=nncf.TargetDevice.CPU)
    openvino.save_model(quantized, os.path.join(folder, "int8.xml"), compress_to_fp16=False)


def predictor(network, way, batch, threads, folder):
    """way: f32, bf16 or int8; what int8 leaves over is computed as OpenVINO likes."""
    core = openvino.Core()
    model = core.read_model(os.path.join(folder, "int8.xml" if way == "int8" else "f32.xml"))
    model.reshape([batch, 3, network.size, network.size])
    how = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if way != "int8":
        how["INFERENCE_PRECISION_HINT"] = way
    request = core.compile_model(model, "CPU", how).create_infer_request()

    def step(pixels):
        request.infer({0: pixels}, share_inputs=True)
        return np.array(request.get_output_tensor(0).data)

    return step, lambda x: batches(x, batch)
