# import the necessary packages
from keras.models import Sequential
from keras.layers import Conv2D, MaxPooling2D, Activation, Flatten, Dense
from keras import backend as K


class LeNet:
    @staticmethod
    def build(numChannels, imgRows, imgCols, numClasses, activation="relu", weightsPath=None):
        model = Sequential()
        inputShape = (imgRows, imgCols, numChannels)

        # if we are using "channels first", update the input shape
        if K.image_data_format() == "channels_first":
            inputShape = (numChannels, imgRows, imgCols)

        # CONV => ACTIVATION => POOL
        model.add(Conv2D(20, 5, padding="same", input_shape=inputShape))
        model.add(Activation(activation))
        model.add(MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))

        model.add(Conv2D(30, 5, padding="same"))
        model.add(Activation(activation))
        model.add(MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))

        model.add(Flatten())
        model.add(Dense(60))
        model.add(Activation(activation))
        model.add(Dense(numClasses))
        model.add(Activation("softmax"))

        if weightsPath is not None:
            model.load_weights(weightsPath)
        return model


print("[INFO] compiling model...")
model = LeNet.build(numChannels=1, imgRows=28, imgCols=28, numClasses=10)
model.compile(loss="categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
