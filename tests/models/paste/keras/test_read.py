"""Whole Keras files, as they are pasted: the network is found, the rest is passed over and said."""

from __future__ import annotations

import pytest

from digitlab.errors import SpecError
from digitlab.models.build import summarize
from digitlab.models.paste.read import read_code

FUNCTIONAL = """\
from tensorflow import keras
from tensorflow.keras import layers

inputs = keras.Input(shape=(28, 28, 1))
x = layers.Conv2D(4, 3, activation="relu")(inputs)
x = layers.Flatten()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
model.summary()
"""
FUNCTION = """\
from tensorflow.keras import Sequential
from tensorflow.keras.layers import Dense, Flatten


def build_model(classes=10):
    model = Sequential()
    model.add(Flatten(input_shape=(28, 28)))
    model.add(Dense(16, activation="relu"))
    model.add(Dense(classes, activation="softmax"))
    return model
"""
SCRIPT = """\
import numpy as np
import matplotlib.pyplot as plt
from tensorflow import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

model = keras.Sequential([
    keras.layers.Flatten(input_shape=(28, 28)),
    keras.layers.Dense(10, activation="softmax"),
], name="softmax_regression")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=2)
loss, right = model.evaluate(x_test, y_test)
model.save("digits.keras")
plt.plot(history.history["loss"])
"""
ROWS = """\
from keras.models import Sequential
from keras.layers import Dense, Flatten, Input

model = Sequential([Input((28, 28)), Dense(16, activation="relu"), Flatten(), Dense(10)])
"""
CHANNELS_FIRST = """\
from keras.models import Sequential
from keras.layers import Conv2D, Dense, Flatten

model = Sequential()
model.add(Conv2D(8, (5, 5), input_shape=(1, 28, 28), data_format="channels_first"))
model.add(Flatten())
model.add(Dense(10, activation="softmax"))
"""
KEYWORD = """\
import keras

model = keras.Sequential(layers=[keras.Input((784,)), keras.layers.Dense(10)])
"""


@pytest.mark.parametrize(
    ("text", "parameters", "layers"),
    [
        (FUNCTIONAL, 27_090, ["Conv2d", "ReLU", "Flatten", "Linear"]),
        (FUNCTION, 12_730, ["Flatten", "Linear", "ReLU", "Linear"]),
        (SCRIPT, 7_850, ["Flatten", "Linear"]),
        (ROWS, 4_954, ["Linear", "ReLU", "Flatten", "Linear"]),
        (CHANNELS_FIRST, 46_298, ["Conv2d", "Flatten", "Linear"]),
        (KEYWORD, 7_850, ["Flatten", "Linear"]),
    ],
)
def test_a_file_is_its_network(text, parameters, layers):
    spec = read_code(text).spec
    assert summarize(spec).parameters == parameters
    assert [layer.type for layer in spec.layers] == layers
    assert spec.input == (1, 28, 28)


def test_a_script_gives_name_recipe_lines_and_what_was_passed_over():
    reading = read_code(SCRIPT)
    assert reading.spec.name == "softmax_regression"
    assert reading.lines == (9, 10)
    assert reading.recipe == {
        "optimizer": "adam",
        "learning_rate": 0.001,
        "loss": "cross-entropy",
        "epochs": 2,
        "batch_size": 32,
        "normalization": "none",
    }
    assert any("lines 12-16" in note for note in reading.notes)
    assert not any("Passed over" in note for note in read_code(CHANNELS_FIRST).notes)


def test_dense_without_flatten_is_refused_at_its_line():
    text = (
        "from keras.models import Sequential\n"
        "from keras.layers import Conv2D, Dense, Input, MaxPooling2D\n\n"
        "model = Sequential()\n"
        "model.add(Input((28, 28, 1)))\n"
        "model.add(Conv2D(8, 3, activation='relu'))\n"
        "model.add(MaxPooling2D(2))\n"
        "model.add(Dense(16, activation='relu'))\n"
        "model.add(Dense(10, activation='softmax'))\n"
    )
    with pytest.raises(SpecError, match="Flatten is missing") as caught:
        read_code(text)
    assert caught.value.line == 9


def test_a_summary_is_no_code():
    text = (
        " Layer (type)                Output Shape              Param #\n"
        "=================================================================\n"
        " flatten (Flatten)           (None, 784)               0\n"
        " dense (Dense)               (None, 10)                7850\n"
    )
    with pytest.raises(SpecError, match="kernel sizes") as caught:
        read_code(text)
    assert "code" in caught.value.message


def test_the_channels_are_where_the_image_has_them():
    reading = read_code(
        "from keras.models import Sequential\n"
        "from keras.layers import Convolution2D, MaxPooling2D, Flatten, Dense\n"
        "model = Sequential()\n"
        "model.add(Convolution2D(32, 3, 3, activation='relu', input_shape=(1, 28, 28)))\n"
        "model.add(MaxPooling2D(pool_size=(2, 2)))\n"
        "model.add(Flatten())\n"
        "model.add(Dense(10, activation='softmax'))\n"
    )
    assert reading.spec.input == (1, 28, 28)
    assert summarize(reading.spec).parameters == 320 + 10 * (32 * 13 * 13 + 1)
    assert any("channels first" in note for note in reading.notes)


def test_one_of_many_networks_in_a_list_is_read():
    reading = read_code(
        "from keras.models import Sequential\n"
        "from keras.layers import Dense, Flatten\n"
        "nets = 15\n"
        "model = [0] * nets\n"
        "for j in range(nets):\n"
        "    model[j] = Sequential()\n"
        "    model[j].add(Flatten(input_shape=(28, 28)))\n"
        "    model[j].add(Dense(10, activation='softmax'))\n"
        "    model[j].compile(optimizer='adam', loss='categorical_crossentropy')\n"
    )
    assert summarize(reading.spec).parameters == 7_850


def test_pixels_scaled_by_the_datas_own_numbers_are_left_to_the_recipe():
    reading = read_code(
        "from keras.models import Sequential\n"
        "from keras.layers import Dense, Flatten, Lambda\n"
        "mean_px = X_train.mean().astype('float32')\n"
        "std_px = X_train.std().astype('float32')\n"
        "def standardize(x):\n"
        "    return (x - mean_px) / std_px\n"
        "model = Sequential()\n"
        "model.add(Lambda(standardize, input_shape=(28, 28, 1)))\n"
        "model.add(Flatten())\n"
        "model.add(Dense(10, activation='softmax'))\n"
    )
    assert [layer.type for layer in reading.spec.layers] == ["Flatten", "Linear"]
    assert reading.recipe["normalization"] == "dataset"


VARIATIONAL = """\
import keras
from keras import layers, ops

class Sampling(layers.Layer):
    def call(self, inputs):
        z_mean, z_log_var = inputs
        batch, dim = ops.shape(z_mean)[0], ops.shape(z_mean)[1]
        epsilon = keras.random.normal(shape=(batch, dim))
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon

inputs = keras.Input(shape=(28, 28, 1))
x = layers.Dense(16, activation="relu")(layers.Flatten()(inputs))
z_mean = layers.Dense(2, name="z_mean")(x)
z_log_var = layers.Dense(2, name="z_log_var")(x)
z = Sampling()([z_mean, z_log_var])
encoder = keras.Model(inputs, [z_mean, z_log_var, z], name="encoder")
code = keras.Input(shape=(2,))
x = layers.Dense(7 * 7 * 4, activation="relu")(code)
x = layers.Reshape((7, 7, 4))(x)
outputs = layers.Conv2DTranspose(1, 4, strides=4, activation="sigmoid", padding="same")(x)
decoder = keras.Model(code, outputs, name="decoder")

class VAE(keras.Model):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def train_step(self, data):
        ...

vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam())
"""


def test_a_variational_autoencoder_draws_its_code():
    reading = read_code(VARIATIONAL)
    layers = {layer.type: layer for layer in reading.spec.layers}
    assert layers["Reparameterize"].sources == ("encoder.z_mean", "encoder.z_log_var")
    assert summarize(reading.spec).output_shape == (1, 28, 28)
    assert layers["Unflatten"].args["unflattened_size"] == (4, 7, 7)
    assert any("encoder and decoder" in note for note in reading.notes)
    assert "loss" not in reading.recipe


def test_of_a_generator_and_a_discriminator_the_one_that_takes_images_is_read():
    reading = read_code(
        "from keras.layers import Dense, Flatten, Input, Reshape\n"
        "from keras.models import Model, Sequential\n"
        "discriminator = Sequential([Flatten(input_shape=(28, 28)), Dense(1)])\n"
        "generator = Sequential([Dense(784, input_dim=100), Reshape((28, 28))])\n"
        "z = Input((100,))\n"
        "combined = Model(z, discriminator(generator(z)))\n"
    )
    assert reading.models == ("generator", "combined", "discriminator")
    assert summarize(reading.spec).parameters == 785


def test_a_tuners_function_is_made_with_its_first_choices():
    reading = read_code(
        "from tensorflow import keras\n"
        "def build_model(hp):\n"
        "    model = keras.Sequential()\n"
        "    model.add(keras.layers.Flatten(input_shape=(28, 28)))\n"
        "    units = hp.Int('units', min_value=32, max_value=512, step=32)\n"
        "    model.add(keras.layers.Dense(units, activation=hp.Choice('a', ['tanh', 'relu'])))\n"
        "    if hp.Boolean('dropout'):\n"
        "        model.add(keras.layers.Dropout(hp.Float('rate', 0.1, 0.5)))\n"
        "    model.add(keras.layers.Dense(10))\n"
        "    return model\n"
    )
    assert [layer.type for layer in reading.spec.layers] == ["Flatten", "Linear", "Tanh", "Linear"]
    assert any("first of all choices" in note for note in reading.notes)


def test_labels_that_the_text_does_not_hold_have_ten_classes():
    reading = read_code(
        "import pandas as pd\n"
        "from sklearn.model_selection import train_test_split\n"
        "from tensorflow.keras import layers, models, utils\n"
        "train = pd.read_csv('train.csv')\n"
        "x = train.drop(columns='label').values.reshape(-1, 28, 28, 1) / 255.0\n"
        "y = utils.to_categorical(train['label'])\n"
        "x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.1)\n"
        "model = models.Sequential()\n"
        "model.add(layers.Conv2D(8, 3, input_shape=x_train.shape[1:]))\n"
        "model.add(layers.Flatten())\n"
        "model.add(layers.Dense(y_train.shape[1]))\n"
    )
    assert summarize(reading.spec).output_shape == (10,)
    assert any("ten classes" in note for note in reading.notes)


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("'mse'", "Softmax"),
        ("keras.losses.MeanSquaredError()", "Softmax"),
        ("'sparse_categorical_crossentropy'", "Linear"),
        ("make_loss()", "Linear"),
    ],
)
def test_a_softmax_at_the_end_stays_where_the_loss_takes_it(loss, last):
    reading = read_code(
        "import keras\nfrom keras.layers import Dense, Flatten\n"
        "model = keras.Sequential([Flatten(input_shape=(28, 28)), Dense(10, 'softmax')])\n"
        f"model.compile('sgd', loss={loss})\n"
    )
    assert reading.spec.layers[-1].type == last
    assert any("cross-entropy takes scores" in n for n in reading.notes) == (last == "Linear")
