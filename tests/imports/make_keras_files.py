"""Make the files in keras_files/: small networks that Keras trained on optdigits.

    KERAS_BACKEND=torch python -m tests.imports.make_keras_files

It needs Keras 3, which neither the app nor the tests need. expected.json holds for each network how
many of the test images it reads, counted by Keras, and its outputs for the first three.
"""

from __future__ import annotations

import json
from pathlib import Path

import digitlab as dl

FOLDER = Path(__file__).parent / "keras_files"


def networks():
    """Networks by name, each with the numbers that its pixels are divided by."""
    import keras
    from keras import layers

    def image(*rest):
        return keras.Sequential([keras.Input((28, 28, 1)), *rest])

    cnn = image(
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 5, strides=2, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.1),
        layers.Dense(10, activation="softmax"),
    )
    rows = keras.Sequential(
        [keras.Input((28, 28)), layers.Bidirectional(layers.LSTM(6)), layers.Dense(10)]
    )
    start = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(6, 5, strides=2, use_bias=False, name="stem")(start)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.8, name="stem_bn")(x))
    y = layers.SeparableConv2D(6, 3, padding="same", activation="relu", name="branch")(x)
    x = layers.Concatenate()([layers.Add()([x, y]), y])
    x = layers.Flatten()(layers.AveragePooling2D(4)(x))
    functional = keras.Model(start, layers.Dense(10, name="scores")(x))
    return {"cnn": (cnn, 1), "rows": (rows, 255), "functional": (functional, 255)}


def main() -> None:
    """Train each network and write its files."""
    import keras

    keras.utils.set_random_seed(0)
    data = dl.load_dataset("optdigits")
    train, test = (split.images.numpy().astype("float32") for split in (data.train, data.test))
    expected = {}
    for name, (network, scale) in networks().items():
        shape = network.input_shape[1:]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=name != "cnn")
        network.compile(keras.optimizers.Adam(0.01), loss)
        images = train.reshape(-1, *shape) / scale
        network.fit(images, data.train.labels.numpy(), batch_size=64, epochs=8, verbose=0)
        outputs = network.predict(test.reshape(-1, *shape) / scale, verbose=0)
        correct = int((outputs.argmax(1) == data.test.labels.numpy()).sum())
        expected[name] = {"correct": correct, "outputs": outputs[:3].tolist()}
        alone = keras.models.clone_model(network)  # without the optimizer's numbers
        alone.set_weights(network.get_weights())
        alone.save(FOLDER / f"{name}.keras")
        alone.save(FOLDER / f"{name}.h5")
        alone.save_weights(FOLDER / f"{name}.weights.h5")
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    print({name: values["correct"] for name, values in expected.items()})


if __name__ == "__main__":
    main()
