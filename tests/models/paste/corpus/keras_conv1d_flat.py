import tensorflow as tf
from tensorflow.keras import layers

model = tf.keras.Sequential()
model.add(layers.Conv1D(filters=16, kernel_size=3, activation='relu', input_shape=(28, 28)))
model.add(layers.Conv1D(filters=16, kernel_size=3, activation='relu', dilation_rate=2))
model.add(layers.MaxPooling1D(pool_size=2))
model.add(layers.GlobalAveragePooling1D())
model.add(layers.Dense(10, activation='softmax'))
