from tensorflow.keras import Sequential, layers

model = Sequential([
    layers.Input((28, 28)),
    layers.Dense(16, activation="relu"),     # acts on each row
    layers.LayerNormalization(),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
