from keras.models import Sequential
from keras.layers import TimeDistributed, Conv1D, MaxPooling1D, Flatten, LSTM, Dense, Reshape, Permute, Conv2D, MaxPooling2D

model = Sequential()
model.add(Conv2D(8, (3, 3), activation='relu', padding='same', input_shape=(28, 28, 1)))
model.add(MaxPooling2D((2, 2)))
model.add(Permute((2, 1, 3)))
model.add(Reshape((14, 14 * 8)))
model.add(Conv1D(16, 3, padding='causal', activation='relu'))
model.add(TimeDistributed(Dense(12)))
model.add(LSTM(20))
model.add(Dense(10, activation='softmax'))
