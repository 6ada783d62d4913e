from keras.models import Sequential, load_model
from keras.layers import Dense, Dropout, Activation, Flatten, Conv2D, MaxPooling2D
import os


class DigitClassifier(object):
    """Holds a Keras model, its training and its saving."""

    def __init__(self, num_classes=10, img_size=28):
        self.num_classes = num_classes
        self.img_size = img_size
        self.model = self.build_model()

    def build_model(self):
        model = Sequential()
        model.add(Conv2D(12, (3, 3), activation='relu', input_shape=(self.img_size, self.img_size, 1)))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Flatten())
        model.add(Dense(self.num_classes))
        model.add(Activation('softmax'))
        model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
        return model

    def train(self, x, y, epochs=5):
        return self.model.fit(x, y, batch_size=32, epochs=epochs)

    def save(self, path='model.h5'):
        self.model.save(path)


if __name__ == '__main__':
    classifier = DigitClassifier()
    classifier.train(x_train, y_train)
