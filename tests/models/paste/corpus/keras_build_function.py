import tensorflow as tf
from tensorflow.keras import layers, models, optimizers


def create_model(filters=(8, 16), dense_units=32, dropout=0.3, learning_rate=1e-3):
    """Builds and compiles a CNN."""
    model = models.Sequential(name='digit_cnn')
    model.add(layers.InputLayer(input_shape=(28, 28, 1)))
    for f in filters:
        model.add(layers.Conv2D(f, (3, 3), padding='same', use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.Activation('relu'))
        model.add(layers.MaxPool2D((2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(dense_units))
    model.add(layers.LeakyReLU(alpha=0.1))
    model.add(layers.Dropout(dropout))
    model.add(layers.Dense(10, activation=tf.nn.softmax))
    model.compile(optimizer=optimizers.Adam(learning_rate),
                  loss='sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


if __name__ == '__main__':
    model = create_model()
    model.summary()
