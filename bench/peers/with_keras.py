"""Keras on TensorFlow: the network as a functional model, compiled as Keras does by itself."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import tensorflow as tf

VERSION = f"Keras {keras.__version__} on TensorFlow {tf.__version__}"


def model_of(layers):
    values, weighted = [], []
    for layer in layers:
        x = values[layer.inputs[0]] if layer.inputs else None
        if layer.op == "input":
            x = keras.Input(layer.shape)
        elif layer.op == "conv":
            if layer.pad:
                x = keras.layers.ZeroPadding2D(layer.pad)(x) if layer.stride > 1 else x
            same = layer.pad and layer.stride == 1
            part = keras.layers.Conv2D(layer.kernel.shape[3], layer.kernel.shape[0],
                                       strides=layer.stride, padding="same" if same else "valid")
            x = part(x)
            weighted.append((part, [layer.kernel, layer.bias]))
        elif layer.op == "norm":
            part = keras.layers.BatchNormalization(epsilon=layer.epsilon)
            x = part(x)
            weighted.append((part, list(layer.norm)))
        elif layer.op == "dense":
            part = keras.layers.Dense(layer.kernel.shape[1])
            x = part(x)
            weighted.append((part, [layer.kernel, layer.bias]))
        elif layer.op == "relu":
            x = keras.layers.ReLU()(x)
        elif layer.op == "pool":
            # Zeros behind a relu lose to nothing, as Keras's own ResNet-50 has it.
            x = keras.layers.ZeroPadding2D(layer.pad)(x) if layer.pad else x
            x = keras.layers.MaxPooling2D(layer.size, layer.stride)(x)
        elif layer.op == "average":
            x = keras.layers.GlobalAveragePooling2D()(x)
        elif layer.op == "flatten":
            x = keras.layers.Flatten()(x)
        else:
            x = keras.layers.Add()([x, values[layer.inputs[1]]])
        values.append(x)
    model = keras.Model(values[0], values[-1])
    for part, weights in weighted:
        part.set_weights(weights)
    return model


def set_up(policy, threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.config.set_dtype_policy(policy)


def batches(x, batch, dtype):
    return [tf.cast(x[i:i + batch], dtype) for i in range(0, len(x), batch)]


def predictor(network, way, batch, threads, folder):
    """way: f32 or bf16."""
    dtype = "bfloat16" if way.startswith("bf16") else "float32"
    set_up(dtype, threads)
    model = model_of(network.folded())
    model.compile()
    return (lambda pixels: model.predict_on_batch(pixels).astype("float32"),
            lambda x: batches(x, batch, dtype))


def trainer(network, way, batch, threads):
    """way: f32 or bf16, "-graph" behind it for TensorFlow's graph without XLA."""
    set_up("mixed_bfloat16" if way.startswith("bf16") else "float32", threads)
    model = model_of(network.layers)
    model.compile(optimizer=keras.optimizers.Adam(),
                  loss=keras.losses.BinaryCrossentropy(from_logits=True),
                  jit_compile=False if way.endswith("graph") else "auto")
    labels = tf.reshape(tf.cast(tf.range(batch) % 2, tf.float32), (batch, 1))
    return (lambda pixels: float(model.train_on_batch(pixels, labels)),
            lambda x: batches(x, batch, "float32"))
