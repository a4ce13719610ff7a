"""What the PyTorch oracles share: leuko's layouts and the fixture file.

Fixtures are safetensors files of float32 (and uint8) tensors, values computed in float64; their
metadata holds "cases", a JSON text that says what each case is."""
import json
import struct

import numpy as np


def hashed(count, stream):
    """count whole numbers below 2^24: a mix of index and stream that C repeats exactly
    (tests/formula.h)."""
    x = np.arange(count, dtype=np.uint64) + np.uint64(stream) * np.uint64(0x9E3779B9)
    x &= np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    return (x ^ (x >> np.uint64(16))) >> np.uint64(8)


def cell_pixels(count, size, stream):
    """[count][size][size][3] uint8: noise, brighter from image to image, inside a disk; black
    around it, as a cell is."""
    bound = np.arange(count, dtype=np.uint64).reshape(count, 1) % np.uint64(6)
    bound = bound * np.uint64(40) + np.uint64(56)
    values = hashed(count * size * size * 3, stream).reshape(count, -1) % bound
    values = values.astype(np.uint8).reshape(count, size, size, 3)
    row, column = np.mgrid[:size, :size]
    outside = (2 * row - size) ** 2 + (2 * column - size) ** 2 > (size * 3 // 4) ** 2
    values[:, outside] = 0
    return values


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
