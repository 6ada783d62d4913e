import keras
from typing import Tuple


class MNISTModel(keras.Model):
    def __init__(self, input_shape: Tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> None:
        super().__init__()
        self.model = keras.Sequential(
            [
                keras.Input(shape=input_shape),
                keras.layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
                keras.layers.MaxPooling2D(pool_size=(2, 2)),
                keras.layers.Conv2D(16, kernel_size=(3, 3), activation="relu"),
                keras.layers.MaxPooling2D(pool_size=(2, 2)),
                keras.layers.Flatten(),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(classes, activation="softmax"),
            ]
        )

    def call(self, inputs, training=None):
        return self.model(inputs, training=training)


model = MNISTModel()
