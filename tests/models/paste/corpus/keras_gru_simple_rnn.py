from keras.models import Sequential
from keras.layers import GRU, SimpleRNN, Dense, Reshape, InputLayer

net = Sequential([
    InputLayer(shape=(28, 28, 1)),
    Reshape((28, 28)),
    GRU(24, return_sequences=True),
    SimpleRNN(16),
    Dense(10),
])
