"""Small weight files in every form that leuko reads, and in many that it refuses, for the tests and
as seeds for the fuzzers:  python tests/oracle/weight_files.py  (needs numpy, h5py and torch).

Good files hold the same tensors: value number i of each is i / 4 - 3.
"""

import collections
import io
import json
import os
import pickle
import struct
import tarfile

import h5py
import numpy as np
import torch

CORPUS = os.path.join(os.path.dirname(__file__), "..", "fuzz", "corpus")


def at(kind, name):
    return os.path.join(CORPUS, kind, name)


def ramp(*shape):
    return (np.arange(np.prod(shape)) / 4 - 3).astype("float32").reshape(shape)


# Keras ------------------------------------------------------------------------------------------


def fill_older(file):
    file.attrs["layer_names"] = [b"input_1", b"conv1"]
    file.create_group("input_1").attrs["weight_names"] = np.array([], "S1")
    group = file.create_group("conv1")
    group.attrs["weight_names"] = [b"conv1_W_1:0", b"conv1_b_1:0"]
    group.create_dataset("conv1_W_1:0", data=ramp(3, 3, 2, 4))
    group.create_dataset("conv1_b_1:0", data=ramp(4))


def write_h5(name, fill, **options):
    with h5py.File(at("h5", name), "w", **options) as file:
        fill(file)


def fill_newer(file):
    for layer in range(9):  # more than one leaf of the root's tree
        group = file.create_group(f"conv{layer}_conv/conv{layer}_conv")
        group.create_dataset("kernel:0", data=ramp(1, 1, 2, 4))
        group.create_dataset("bias:0", data=ramp(4))


def fill_whole(file):
    fill_older(file.create_group("model_weights"))
    file.create_group("optimizer_weights").create_dataset("iterations:0", data=np.int64(7))


def fill_compact(file):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    data = ramp(2, 4)
    dataset = h5py.h5d.create(file.id, b"w", h5py.h5t.IEEE_F32LE,
                              h5py.h5s.create_simple(data.shape), plist)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, data)


def fill_unreadable(file):
    file.create_dataset("chunked", data=ramp(4, 4), chunks=(2, 2))
    file.create_dataset("compressed", data=ramp(4, 4), compression="gzip")
    file.create_dataset("double", data=ramp(4).astype("float64"))
    file.create_dataset("half", data=ramp(4).astype("float16"))
    file.create_dataset("big_endian", data=ramp(4).astype(">f4"))
    file.create_dataset("text", data=b"kernel")
    file.create_dataset("empty", shape=(0, 3), dtype="f4")
    file.create_dataset("unwritten", shape=(2, 3), dtype="f4")
    file.create_dataset("elsewhere", shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)])
    file["nowhere"] = h5py.SoftLink("/none")
    nan = ramp(4)
    nan[2] = np.nan
    file.create_dataset("nan", data=nan)
    file.create_dataset("deep", data=ramp(1, 1, 1, 1, 2))
    file.create_dataset("single", data=np.float32(0.5))


def fill_link(file):
    fill_older(file)
    file["outside"] = h5py.ExternalLink("/etc/hostname", "/x")


def fill_circle(file):
    group = file.create_group("a")
    group["again"] = group
    group.create_dataset("w", data=ramp(2))


write_h5("older.h5", fill_older)
write_h5("newer.h5", fill_newer)
write_h5("whole.h5", fill_whole)
write_h5("compact.h5", fill_compact)
write_h5("unreadable.h5", fill_unreadable)
write_h5("circle.h5", fill_circle)
write_h5("link.h5", fill_link)
write_h5("latest.h5", fill_older, libver="latest")
with open(at("h5", "older.h5"), "rb") as file:
    good = file.read()
with open(at("h5", "truncated.h5"), "wb") as file:
    file.write(good[:-100])

# PyTorch ----------------------------------------------------------------------------------------

tensors = collections.OrderedDict()
tensors["features.0.weight"] = torch.from_numpy(ramp(4, 2, 3, 3))
tensors["features.0.bias"] = torch.from_numpy(ramp(4))
tensors["bn1.num_batches_tracked"] = torch.tensor(5)
# Views: the same storage once turned and once from its middle.
base = torch.from_numpy(ramp(3, 4))
tensors["turned"] = base.t()
tensors["middle"] = base[1]
tensors["half"] = torch.from_numpy(ramp(4)).half()
tensors["nan"] = torch.tensor([0.0, float("nan")])

torch.save(tensors, at("pth", "archive.pth"))
torch.save(tensors, at("pth", "stream.pth"), _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "state_dict": tensors}, at("pth", "checkpoint.pth"))
torch.save([1, 2, 3], at("pth", "list.pth"))
torch.save(torch.nn.Conv2d(2, 4, 3), at("pth", "module.pth"))


def stream(pickled, keys=b"", protocol=2):
    out = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(value, out, protocol)
    out.write(pickled)
    pickle.dump([], out, protocol)
    out.write(keys)
    return out.getvalue()


def write(kind, name, data):
    with open(at(kind, name), "wb") as file:
        file.write(data)


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


write("pth", "system.pth", stream(pickle.dumps({"a": Call(os.system, "touch /tmp/leuko-pickle-was-run")}, 2)))
write("pth", "eval.pth", stream(pickle.dumps({"a": Call(eval, "1")}, 2)))
write("pth", "protocol.pth", stream(pickle.dumps({"a": 1}, 4)))
torch.save({"a": Call(os.system, "touch /tmp/leuko-pickle-was-run")}, at("pth", "system-archive.pth"))

# As Python 2 wrote it: an OrderedDict as a list of pairs, byte strings, parameters, the first
# rebuilding function. Written by hand, operation by operation.
two = (
    b"\x80\x02ccollections\nOrderedDict\n](]("
    b"U\x09conv.biasctorch.nn.parameter\nParameter\n"
    b"ctorch._utils\n_rebuild_tensor\n("
    b"(U\x07storagectorch\nFloatStorage\nU\x017U\x03cpuK\x04NtQ"
    b"K\x00K\x04\x85K\x01\x85tR\x85R\x88\x89ccollections\nOrderedDict\n)R\x87b"
    b"ee\x85R."
)
out = io.BytesIO()
for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
    pickle.dump(value, out, 2)
out.write(two)
pickle.dump(["7"], out, 2)
out.write(struct.pack("<q", 4) + ramp(4).tobytes())
write("pth", "python2.pth", out.getvalue())

out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w") as tar:
    for name in ("sys_info", "pickle", "storages", "tensors"):
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"\x80\x02N."))
write("pth", "tar.pth", out.getvalue()[:2048])

# safetensors ------------------------------------------------------------------------------------


def safetensors(entries, change=None, tail=b""):
    header, data = {}, b""
    for name, array in entries.items():
        raw = array.tobytes()
        kinds = {"float32": "F32", "float16": "F16", "int64": "I64"}
        header[name] = {"dtype": kinds[str(array.dtype)], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    if change:
        change(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data + tail


entries = {"features.0.weight": ramp(4, 2, 3, 3), "features.0.bias": ramp(4),
           "half": ramp(2).astype("float16"), "count": np.array([3])}


def huge(header):
    header["features.0.bias"]["shape"] = [1 << 40]


def impossible(header):
    header["features.0.bias"]["shape"] = [1 << 62, 1 << 62]


write("safetensors", "good.safetensors", safetensors(entries))
write("safetensors", "huge.safetensors", safetensors(entries, huge))
write("safetensors", "impossible.safetensors", safetensors(entries, impossible))
write("safetensors", "tail.safetensors", safetensors(entries, tail=b"more"))
write("safetensors", "header.safetensors", struct.pack("<Q", 1 << 60) + b"{}")
write("safetensors", "truncated.safetensors", safetensors(entries)[:-8])
