import keras
from keras import layers

data_augmentation = keras.Sequential([
    layers.RandomRotation(0.05),
    layers.RandomZoom(0.1),
    layers.RandomTranslation(0.1, 0.1),
])

inputs = keras.Input(shape=(28, 28, 1))
x = data_augmentation(inputs)
x = layers.GaussianNoise(0.1)(x)
x = layers.Conv2D(16, 5, activation="elu", kernel_regularizer=keras.regularizers.l2(1e-3), bias_initializer="ones")(x)
x = layers.AveragePooling2D(2)(x)
x = layers.SpatialDropout2D(0.1)(x)
x = layers.Flatten()(x)
x = layers.Dense(50, activation=keras.activations.tanh, kernel_constraint=keras.constraints.max_norm(3.0))(x)
outputs = layers.Dense(10)(x)
model = keras.Model(inputs, outputs)
callbacks = [keras.callbacks.EarlyStopping(patience=3), keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True)]
