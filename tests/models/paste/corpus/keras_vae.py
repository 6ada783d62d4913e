import keras
from keras import layers, ops

CODE = 2


class Draw(layers.Layer):
    """A point near the mean, as far as the variance allows."""

    def __init__(self, seed=3, **options):
        super().__init__(**options)
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, heads):
        centre, log_spread = heads
        noise = keras.random.normal(shape=ops.shape(centre), seed=self.noise)
        return centre + noise * ops.exp(log_spread / 2)


digit = keras.Input((28, 28, 1))
h = digit
for filters in (8, 16):
    h = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(h)
h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
centre = layers.Dense(CODE, name="centre")(h)
log_spread = layers.Dense(CODE, name="log_spread")(h)
to_code = keras.Model(digit, [centre, log_spread, Draw()([centre, log_spread])], name="to_code")

code = keras.Input((CODE,))
h = layers.Dense(7 * 7 * 16, activation="relu")(code)
h = layers.Reshape((7, 7, 16))(h)
for filters in (16, 8):
    h = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(h)
from_code = keras.Model(
    code, layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(h), name="from_code"
)

autoencoder = keras.Model(digit, from_code(to_code(digit)[2]))
