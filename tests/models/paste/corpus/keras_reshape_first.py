# lang: de
import tensorflow as tf
from tensorflow import keras

# Laden der Daten
(train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()

modell = keras.Sequential([
    keras.layers.Reshape((28, 28, 1), input_shape=(28, 28)),
    keras.layers.Conv2D(8, 3, activation=tf.nn.relu),
    keras.layers.Activation(tf.nn.tanh),
    keras.layers.MaxPool2D(),
    keras.layers.Flatten(),
    keras.layers.Dense(10, activation=tf.nn.softmax)
])
modell.compile(optimizer=tf.keras.optimizers.Adam(), loss='sparse_categorical_crossentropy', metrics=['accuracy'])
modell.fit(train_images, train_labels, epochs=5)
