"""What the PyTorch oracles share: leuko's layouts and the fixture file.

Fixtures are safetensors files of float32 (and uint8) tensors, values computed in float64; their
metadata holds "cases", a JSON text that says what each case is."""
import json
import struct

import numpy as np


def nhwc(t):
    """[N][C][H][W] torch tensor as [N][H][W][C]."""
    return t.permute(0, 2, 3, 1)


def hwio(t):
    """[O][I][H][W] torch kernel as [H][W][I][O]."""
    return t.permute(2, 3, 1, 0)


def write(path, tensors, cases, about):
    header = {"__metadata__": {"about": about, "cases": json.dumps(cases, separators=(",", ":"))}}
    blobs, offset = [], 0
    for name, tensor in tensors.items():
        if hasattr(tensor, "detach"):
            tensor = tensor.detach().numpy()
        if tensor.dtype != np.uint8:
            tensor = tensor.astype("<f4")
        blob = np.ascontiguousarray(tensor).tobytes()
        blob += b"\0" * (-len(blob) % 4)  # float tensors stay aligned after a uint8 one
        if tensor.dtype == np.uint8 and len(blob) != tensor.size:
            raise ValueError(f"{name}: make the number of bytes a multiple of 4")
        header[name] = {
            "dtype": "U8" if tensor.dtype == np.uint8 else "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    print(f"{path}: {len(tensors)} tensors, {8 + len(text) + offset} bytes")
