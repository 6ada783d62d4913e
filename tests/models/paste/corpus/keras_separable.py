import tensorflow as tf
from tensorflow.keras import layers as L

def build_model(input_shape=(28, 28, 1), n=10):
    inp = L.Input(input_shape)
    x = L.Rescaling(1./255)(inp)
    x = L.Conv2D(16, 3, strides=2, padding="same")(x)
    x = L.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = L.Activation("swish")(x)
    for size in [16, 32]:
        prev = x
        x = L.SeparableConv2D(size, 3, padding="same", use_bias=False)(x)
        x = L.BatchNormalization()(x)
        x = L.ReLU()(x)
        x = L.DepthwiseConv2D(3, padding="same", depth_multiplier=1)(x)
        x = L.MaxPooling2D(3, strides=2, padding="same")(x)
        res = L.Conv2D(size, 1, strides=2, padding="same")(prev)
        x = L.add([x, res])
    x = L.GlobalAveragePooling2D()(x)
    x = L.Dropout(0.5)(x)
    out = L.Dense(n, activation="softmax")(x)
    return tf.keras.Model(inp, out)

model = build_model()
