"""The names and shapes of all tensors in each layout of ImageNet weights that leuko knows:
python tests/oracle/weight_names.py OLDER.h5 > tests/fixtures/weight_names.txt

Needs keras, h5py and a file of the older Keras layout of ResNet-50, of which only names and shapes
are taken. Keras's own names come from Keras, torchvision's are written down as its documentation and
sources have them.
"""

import os
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py
import keras
from keras.src.legacy.saving import legacy_h5_format


def show(layout, name, shape):
    print(layout, name.removesuffix(":0"), "x".join(str(n) for n in shape))


def show_file(layout, path):
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda name, o: found.update({name: o.shape})
                        if isinstance(o, h5py.Dataset) else None)
    for name, shape in sorted(found.items()):
        show(layout, name, shape)


def show_keras(layout, model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "w.h5")
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)
        show_file(layout, path)


def show_bn(layout, name, channels):
    for part in ("weight", "bias", "running_mean", "running_var"):
        show(layout, f"{name}.{part}", (channels,))


options = dict(weights=None, include_top=False, input_shape=(64, 64, 3))
vgg = keras.applications.VGG16(**options)
show_keras("keras-vgg16-newer", vgg)
for layer in vgg.layers:
    for part, weight in zip("Wb", layer.weights):
        show("keras-vgg16", f"{layer.name}/{layer.name}_{part}_1", weight.shape)
places = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
for place, layer in zip(places, (layer for layer in vgg.layers if layer.weights)):
    kernel, bias = (weight.shape for weight in layer.weights)
    show("torchvision-vgg16", f"features.{place}.weight", [kernel[i] for i in (3, 2, 0, 1)])
    show("torchvision-vgg16", f"features.{place}.bias", bias)

show_keras("keras-resnet50", keras.applications.ResNet50(**options))
show_file("keras-resnet50-older", sys.argv[1])
torch = "torchvision-resnet50"
show(torch, "conv1.weight", (64, 3, 7, 7))
show_bn(torch, "bn1", 64)
inputs = 64
for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 1):
    for block in range(blocks):
        name = f"layer{stage}.{block}"
        for index, shape in enumerate(((width, inputs, 1, 1), (width, width, 3, 3),
                                       (4 * width, width, 1, 1)), 1):
            show(torch, f"{name}.conv{index}.weight", shape)
            show_bn(torch, f"{name}.bn{index}", shape[0])
        if block == 0:
            show(torch, f"{name}.downsample.0.weight", (4 * width, inputs, 1, 1))
            show_bn(torch, f"{name}.downsample.1", 4 * width)
        inputs = 4 * width
