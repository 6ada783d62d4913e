"""Keras texts in the forms that people use, with the parameters that the model has in Keras."""

from __future__ import annotations

IMPORTS = """\
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers, models
"""

# name: (text, parameters in Keras)
TEXTS: dict[str, tuple[str, int]] = {}


def _add(name: str, parameters: int, text: str) -> None:
    TEXTS[name] = (IMPORTS + text, parameters)


_add(
    "two-branches-by-operators",
    8_048,
    """\
inputs = keras.Input((28, 28, 1))
a = layers.Conv2D(6, 3, padding="same", name="left")(inputs)
b = layers.Conv2D(6, 5, padding="same", name="right")(inputs)
x = tf.nn.relu(a + b) * 0.5
x = layers.MaxPooling2D(4)(x)
y = x - tf.reduce_mean(x, axis=[1, 2], keepdims=True)
y = tf.concat([x, y], axis=-1)
y = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(y)
y = layers.Flatten()(y)
y = layers.Dense(50)(y)
outputs = layers.Dense(10, activation="softmax")(y)
model = keras.Model(inputs, outputs)
""",
)
_add(
    "model-subclass",
    4_290,
    """\
class Block(layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(filters, 3, padding="same")
        self.norm = layers.BatchNormalization()

    def call(self, x, training=False):
        return tf.nn.relu(self.norm(self.conv(x), training=training))


class Net(keras.Model):
    def __init__(self, widths=(4, 8), classes=10):
        super().__init__()
        self.blocks = [Block(width) for width in widths]
        self.pool = layers.MaxPool2D()
        self.drop = layers.Dropout(0.25)
        self.flatten = layers.Flatten()
        self.head = layers.Dense(classes)

    def call(self, x, training=False):
        for block in self.blocks:
            x = self.pool(block(x, training=training))
        x = self.flatten(x)
        if training:
            x = self.drop(x, training=training)
        return self.head(x)


model = Net()
model.build((None, 28, 28, 1))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
""",
)
_add(
    "layer-with-weights",
    25_450,
    """\
class Linear(keras.layers.Layer):
    def __init__(self, units=32):
        super(Linear, self).__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units),
                                 initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b


class MLP(keras.Model):
    def __init__(self):
        super(MLP, self).__init__()
        self.flatten = layers.Flatten()
        self.linear_1 = Linear(32)
        self.linear_2 = Linear(10)

    def call(self, inputs):
        x = self.flatten(inputs)
        x = tf.nn.relu(self.linear_1(x))
        return self.linear_2(x)


model = MLP()
y = model(tf.zeros((1, 28, 28)))
""",
)
_add(
    "vision-transformer",
    20_890,
    """\
num_classes, image_size, patch_size, projection_dim, num_heads = 10, 28, 7, 16, 4
num_patches = (image_size // patch_size) ** 2
transformer_units = [projection_dim * 2, projection_dim]


def mlp(x, hidden_units, dropout_rate):
    for units in hidden_units:
        x = layers.Dense(units, activation=tf.nn.gelu)(x)
        x = layers.Dropout(dropout_rate)(x)
    return x


class Patches(layers.Layer):
    def __init__(self, patch_size):
        super().__init__()
        self.patch_size = patch_size

    def call(self, images):
        batch_size = tf.shape(images)[0]
        patches = tf.image.extract_patches(
            images=images, sizes=[1, self.patch_size, self.patch_size, 1],
            strides=[1, self.patch_size, self.patch_size, 1], rates=[1, 1, 1, 1],
            padding="VALID")
        patch_dims = patches.shape[-1]
        return tf.reshape(patches, [batch_size, -1, patch_dims])


class PatchEncoder(layers.Layer):
    def __init__(self, num_patches, projection_dim):
        super().__init__()
        self.num_patches = num_patches
        self.projection = layers.Dense(units=projection_dim)
        self.position_embedding = layers.Embedding(
            input_dim=num_patches, output_dim=projection_dim)

    def call(self, patch):
        positions = tf.range(start=0, limit=self.num_patches, delta=1)
        return self.projection(patch) + self.position_embedding(positions)


def create_vit_classifier():
    inputs = layers.Input(shape=(image_size, image_size, 1))
    patches = Patches(patch_size)(inputs)
    encoded = PatchEncoder(num_patches, projection_dim)(patches)
    for _ in range(2):
        x1 = layers.LayerNormalization(epsilon=1e-6)(encoded)
        attention = layers.MultiHeadAttention(num_heads=num_heads, key_dim=projection_dim,
                                              dropout=0.1)(x1, x1)
        x2 = layers.Add()([attention, encoded])
        x3 = layers.LayerNormalization(epsilon=1e-6)(x2)
        x3 = mlp(x3, hidden_units=transformer_units, dropout_rate=0.1)
        encoded = layers.Add()([x3, x2])
    representation = layers.LayerNormalization(epsilon=1e-6)(encoded)
    representation = layers.Flatten()(representation)
    representation = layers.Dropout(0.5)(representation)
    features = mlp(representation, hidden_units=[32, 16], dropout_rate=0.5)
    logits = layers.Dense(num_classes)(features)
    return keras.Model(inputs=inputs, outputs=logits)


model = create_vit_classifier()
""",
)
_add(
    "class-token",
    2_378,
    """\
class AddToken(layers.Layer):
    def build(self, input_shape):
        self.token = self.add_weight(name="token", shape=(1, 1, input_shape[-1]),
                                     initializer="zeros")
        self.position = self.add_weight(name="position", shape=(1, input_shape[1] + 1,
                                        input_shape[-1]), initializer="random_normal")

    def call(self, x):
        token = tf.broadcast_to(self.token, [tf.shape(x)[0], 1, x.shape[-1]])
        return tf.concat([token, x], axis=1) + self.position


inputs = keras.Input((28, 28, 1))
x = layers.Conv2D(16, 7, strides=7)(inputs)
x = layers.Reshape((-1, 16))(x)
x = AddToken()(x)
x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, x))
outputs = layers.Dense(10)(x[:, 0])
model = keras.Model(inputs, outputs)
""".replace(
        "x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, x))",
        "a = layers.MultiHeadAttention(2, 8)(x, x)\nx = layers.LayerNormalization()(x + a)",
    ),
)
_add(
    "autoencoder-of-models",
    28_729,
    """\
latent = 32
encoder_input = keras.Input(shape=(28, 28, 1), name="img")
x = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(encoder_input)
x = layers.Conv2D(8, 3, activation="relu", strides=2, padding="same")(x)
shape = x.shape
x = layers.Flatten()(x)
code = layers.Dense(latent, name="code")(x)
encoder = keras.Model(encoder_input, code, name="encoder")

decoder_input = keras.Input(shape=(latent,), name="encoded")
x = layers.Dense(shape[1] * shape[2] * shape[3], activation="relu")(decoder_input)
x = layers.Reshape((shape[1], shape[2], shape[3]))(x)
x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(x)
x = layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu")(x)
outputs = layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x)
decoder = keras.Model(decoder_input, outputs, name="decoder")

autoencoder_input = keras.Input(shape=(28, 28, 1))
autoencoder = keras.Model(autoencoder_input, decoder(encoder(autoencoder_input)))
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
""",
)
_add(
    "sequential-autoencoder-class",
    101_200,
    """\
class Autoencoder(models.Model):
    def __init__(self, latent_dim):
        super().__init__()
        self.encoder = tf.keras.Sequential([
            layers.Flatten(),
            layers.Dense(latent_dim, activation="relu"),
        ])
        self.decoder = tf.keras.Sequential([
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ])

    def call(self, x):
        encoded = self.encoder(x)
        return self.decoder(encoded)


autoencoder = Autoencoder(64)
autoencoder.compile(optimizer="adam", loss="mse")
""",
)
_add(
    "shared-layers",
    6_948,
    """\
inputs = keras.Input((28, 28, 1))
conv = layers.Conv2D(4, 3, padding="same", activation="relu")
mix = layers.Conv2D(4, 3, padding="same", activation="relu")
x = conv(inputs)
x = mix(mix(mix(x)))
x = layers.AveragePooling2D(7)(x)
x = layers.Flatten()(x)
x = layers.Dense(90, activation="swish")(x)
outputs = layers.Dense(10)(x)
model = keras.Model(inputs=[inputs], outputs=[outputs])
""",
)
_add(
    "residual-function",
    4_042,
    """\
def residual(x, filters, stride=1):
    shortcut = x
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    y = layers.Activation("relu")(y)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if stride != 1 or shortcut.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=stride, use_bias=False)(shortcut)
        shortcut = layers.BatchNormalization()(shortcut)
    y = layers.Add()([shortcut, y])
    return layers.Activation("relu")(y)


def build_resnet(input_shape=(28, 28, 1), classes=10):
    inputs = layers.Input(shape=input_shape)
    x = layers.ZeroPadding2D(3)(inputs)
    x = layers.Conv2D(8, 7, strides=2)(x)
    x = residual(x, 8)
    x = residual(x, 12, stride=2)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


model = build_resnet()
model.summary()
""",
)
_add(
    "squeeze-and-excite",
    606,
    """\
def squeeze(x, ratio=4):
    channels = x.shape[-1]
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.Dense(channels // ratio, activation="relu")(s)
    s = layers.Dense(channels, activation="sigmoid")(s)
    return layers.multiply([x, layers.Reshape((1, 1, channels))(s)])


inputs = keras.Input(shape=(28, 28, 1))
x = layers.Conv2D(16, 3, activation="relu")(inputs)
x = squeeze(x)
x = layers.SeparableConv2D(8, 3, strides=2, padding="same")(x)
x = layers.GlobalMaxPooling2D()(x)
model = keras.Model(inputs, layers.Dense(2)(x))
""",
)
_add(
    "rows-through-an-lstm",
    45_386,
    """\
model = models.Sequential()
model.add(layers.Bidirectional(layers.LSTM(32, return_sequences=True), input_shape=(28, 28)))
model.add(layers.Dropout(0.2))
model.add(layers.GRU(64))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(10, activation="softmax"))
""",
)
_add(
    "lambda-of-arithmetic",
    7_850,
    """\
model = tf.keras.Sequential([
    layers.Lambda(lambda x: x / 255.0, input_shape=(28, 28)),
    layers.Lambda(lambda x: tf.expand_dims(x, -1)),
    layers.Flatten(),
    layers.Dense(10),
])
""",
)
_add(
    "inputs-of-the-data",
    101_770,
    """\
(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
num_pixels = x_train.shape[1] * x_train.shape[2]
x_train = x_train.reshape(x_train.shape[0], num_pixels).astype("float32") / 255
y_test = keras.utils.to_categorical(y_test)
num_classes = y_test.shape[1]


def baseline_model():
    model = models.Sequential()
    model.add(layers.Dense(128, input_shape=(num_pixels,), kernel_initializer="normal",
                           activation="relu"))
    model.add(layers.Dense(num_classes, kernel_initializer="normal", activation="softmax"))
    return model
""",
)
_add(
    "channels-by-backend",
    5_516,
    """\
from tensorflow.keras import backend as K

img_rows, img_cols = 28, 28
if K.image_data_format() == "channels_first":
    input_shape = (1, img_rows, img_cols)
else:
    input_shape = (img_rows, img_cols, 1)
model = models.Sequential()
model.add(layers.Conv2D(4, kernel_size=(3, 3), activation="relu", input_shape=input_shape))
model.add(layers.Flatten())
model.add(layers.Dense(1))
model.pop()
model.add(layers.MaxPooling2D()) if False else None
model.layers[0].trainable = True
model.add(layers.Dense(2))
model.add(layers.Dense(460 * 2 - 10 * 91 + 12, name="last"))
""",
)
_add(
    "regularised",
    12_730,
    """\
from tensorflow.keras import regularizers
from tensorflow.keras.constraints import MaxNorm

model = keras.Sequential([
    keras.layers.InputLayer(input_shape=(28, 28)),
    keras.layers.Flatten(name="pixels"),
    keras.layers.Dense(16, kernel_regularizer=regularizers.l2(0.001), name="hidden",
                       kernel_constraint=MaxNorm(3), bias_initializer="ones"),
    keras.layers.ELU(alpha=0.5),
    keras.layers.Dense(10, kernel_initializer=keras.initializers.HeNormal(), name="scores"),
], name="regularised")
""",
)
_add(
    "norms",
    3_871,
    """\
inputs = layers.Input((28, 28, 1))
x = layers.Conv2D(8, 3, use_bias=False)(inputs)
x = layers.BatchNormalization(scale=False, momentum=0.9, epsilon=1e-5)(x)
x = layers.PReLU(shared_axes=[1, 2])(x)
x = layers.Conv2D(8, 3, dilation_rate=2)(x)
x = layers.GroupNormalization(groups=4)(x)
x = layers.LeakyReLU(0.1)(x)
x = layers.LayerNormalization()(x)
x = layers.AveragePooling2D(3, strides=2, padding="valid")(x)
x = layers.SpatialDropout2D(0.1)(x)
x = layers.Cropping2D(1)(x)
x = layers.UpSampling2D(2, interpolation="bilinear")(x)
x = layers.MaxPooling2D((3, 3), strides=3)(x)
x = layers.Permute((3, 1, 2))(x)
x = layers.Reshape((8, -1))(x)
x = layers.Dense(20)(x)
x = layers.GlobalAveragePooling1D()(x)
x = layers.Dense(115, activation="tanh")(x)
model = tf.keras.models.Model(inputs=inputs, outputs=layers.Dense(2)(x))
""",
)
_add(
    "mixer",
    4_058,
    """\
def mixer(x, tokens, dim):
    y = layers.LayerNormalization()(x)
    y = layers.Permute((2, 1))(y)
    y = layers.Dense(tokens, activation="gelu")(y)
    y = layers.Dense(x.shape[1])(y)
    y = layers.Permute((2, 1))(y)
    x = layers.Add()([x, y])
    y = layers.LayerNormalization()(x)
    y = layers.Dense(dim, activation="gelu")(y)
    y = layers.Dense(x.shape[-1])(y)
    return x + y


i = keras.Input((28, 28, 1))
x = layers.Conv2D(12, 7, strides=7)(i)
x = layers.Reshape((16, 12))(x)
x = mixer(x, 24, 48)
x = mixer(x, 8, 16) if False else x
x = tf.reduce_mean(x, axis=1)
outputs = layers.Dense(10, activation="softmax")(layers.Dense(60, activation="relu")(x))
model = keras.Model(i, outputs)
""",
)
_add(
    "highway-of-functions",
    1_700,
    """\
inputs = tf.keras.Input(shape=(28, 28))
x = inputs[:, ::2, 4:24]
x = tf.transpose(x, [0, 2, 1])
x = layers.Conv1D(8, 5, padding="causal", activation="relu")(x)
a, b = tf.split(x, 2, axis=-1)
x = tf.math.multiply(tf.sigmoid(a), tf.tanh(b))
x = tf.pad(x, [[0, 0], [1, 2], [0, 0]])
x = layers.MaxPooling1D(2)(x)
x = layers.LocallyConnected1D(4, 3)(x) if False else layers.SeparableConv1D(6, 3)(x)
x = tf.squeeze(tf.expand_dims(x, 1), axis=1)
x = layers.Flatten()(x)
x = tf.clip_by_value(x, -2.0, 2.0)
x = tf.stack([x, x ** 2], axis=1)
x = tf.reshape(x, (-1, 2 * 9 * 6))
outputs = layers.Dense(10)(x)
model = tf.keras.Model(inputs, outputs)
""",
)
_add(
    "conv-lstm-mix",
    4_998,
    """\
model = keras.models.Sequential([
    keras.layers.Input(shape=(28, 28, 1)),
    keras.layers.Conv2D(8, (3, 3), activation="relu"),
    keras.layers.MaxPool2D(pool_size=2),
    keras.layers.TimeDistributed(keras.layers.Flatten()),
    keras.layers.LSTM(10),
    keras.layers.RepeatVector(3),
    keras.layers.SimpleRNN(8, return_sequences=True),
    keras.layers.TimeDistributed(keras.layers.Dense(4)),
    keras.layers.Flatten(),
    keras.layers.Dense(10, activation=tf.keras.activations.softmax),
    keras.layers.Dropout(0.1),
])
""",
)
