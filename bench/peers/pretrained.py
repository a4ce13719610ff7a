"""VGG16 and ResNet-50 in PyTorch and Keras, from the weight files that leuko reads.

Both networks are written out layer by layer, since the weight files are older than their
libraries. Pixels are prepared as leuko prepares them: decoded and resized by Pillow, in RGB,
0..255; `scaled` brings them to what a network reads. Everything is float32 and NHWC outside."""
import json

BGR_MEAN = (103.939, 116.779, 123.68)
RGB_MEAN, RGB_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESNET = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG = "vgg16-torchvision-features.safetensors"


def prepared(paths, side=224):
    """uint8 [paths][side][side][3]."""
    import numpy as np
    from PIL import Image

    images = np.empty((len(paths), side, side, 3), np.uint8)
    for i, path in enumerate(paths):
        with Image.open(path) as image:
            images[i] = image.convert("RGB").resize((side, side), Image.BILINEAR)
    return images


def scaled(rgb, network, preprocess):
    """float32 pixels as the network's weights were trained on them ("weights"), or by 255 ("paper")."""
    import numpy as np

    rgb = rgb.astype(np.float32)
    if preprocess == "paper":
        return rgb / np.float32(255)
    if network == "resnet50":
        return rgb[..., ::-1] - np.array(BGR_MEAN, np.float32)
    return ((rgb / 255 - np.array(RGB_MEAN)) / np.array(RGB_DEVIATION)).astype(np.float32)


def float_tensors(path):
    """The tensors of a safetensors file of float32 by name, and its metadata."""
    import numpy as np

    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items()}, metadata


def keras_resnet50(weights, side=224):
    """Keras's older ResNet-50 with global averages, from its .h5 file: biases, stride on the first
    1x1, epsilon 1e-3; `running_std` is the variance."""
    import h5py
    import keras
    from keras import layers

    file = h5py.File(weights)

    def conv(x, name, filters, kernel, stride=1, padding="valid"):
        layer = layers.Conv2D(filters, kernel, strides=stride, padding=padding)
        x = layer(x)
        layer.set_weights([file[f"{name}/{name}_{part}_1:0"][()] for part in "Wb"])
        return x

    def norm(x, name):
        layer = layers.BatchNormalization(epsilon=1e-3)
        x = layer(x)
        layer.set_weights([file[f"{name}/{name}_{part}_1:0"][()]
                           for part in ("gamma", "beta", "running_mean", "running_std")])
        return x

    def block(x, name, filters, stride, projected):
        shortcut = x
        if projected:
            shortcut = norm(conv(x, f"res{name}_branch1", 4 * filters, 1, stride), f"bn{name}_branch1")
        x = layers.ReLU()(norm(conv(x, f"res{name}_branch2a", filters, 1, stride),
                               f"bn{name}_branch2a"))
        x = layers.ReLU()(norm(conv(x, f"res{name}_branch2b", filters, 3, 1, "same"),
                               f"bn{name}_branch2b"))
        x = norm(conv(x, f"res{name}_branch2c", 4 * filters, 1), f"bn{name}_branch2c")
        return layers.ReLU()(layers.Add()([x, shortcut]))

    pixels = keras.Input((side, side, 3))
    x = layers.ZeroPadding2D(3)(pixels)
    x = layers.ReLU()(norm(conv(x, "conv1", 64, 7, 2), "bn_conv1"))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, (blocks, filters) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], 2):
        for b in range(blocks):
            x = block(x, f"{stage}{chr(97 + b)}", filters, 2 if b == 0 and stage > 2 else 1, b == 0)
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(x))


def torch_vgg16(weights):
    """torchvision's vgg16().features from its file: a function from scaled pixels to features,
    flattened row by row, pixel by pixel, channel by channel."""
    import torch
    import torch.nn.functional as F

    values = {name: torch.from_numpy(value.copy())
              for name, value in float_tensors(weights)[0].items()}
    pooled = {2, 7, 14, 21, 28}  # the convolutions that a pooling follows

    def features(pixels):
        x = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
        with torch.no_grad():
            for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28):
                x = F.relu(F.conv2d(x, values[f"features.{i}.weight"], values[f"features.{i}.bias"],
                                    padding=1))
                if i in pooled:
                    x = F.max_pool2d(x, 2)
        return x.numpy().transpose(0, 2, 3, 1).reshape(len(x), -1)

    return features


def feature_function(network, weights):
    """From scaled pixels to features: Keras for resnet50, PyTorch for vgg16."""
    if network == "vgg16":
        return torch_vgg16(weights)
    model = keras_resnet50(weights)
    return lambda pixels: model.predict(pixels, batch_size=len(pixels), verbose=0)
