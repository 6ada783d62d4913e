import tensorflow as tf
from tensorflow.keras.layers import (BatchNormalization, Conv2D, Conv2DTranspose, Dense, Dropout,
                                     Flatten, LeakyReLU, Reshape)

SEED = 100


def painter():
    net = tf.keras.Sequential(name='painter')
    net.add(Dense(7 * 7 * 32, use_bias=False, input_dim=SEED))
    net.add(BatchNormalization())
    net.add(LeakyReLU())
    net.add(Reshape((7, 7, 32)))
    for filters, activation in ((16, None), (1, 'tanh')):
        net.add(Conv2DTranspose(filters, 5, strides=2, padding='same', use_bias=False,
                                activation=activation))
        if activation is None:
            net.add(LeakyReLU())
    assert net.output_shape == (None, 28, 28, 1)
    return net


def critic(first=16, rate=0.3):
    net = tf.keras.Sequential(name='critic')
    net.add(Conv2D(first, (5, 5), strides=(2, 2), padding='same', input_shape=[28, 28, 1]))
    net.add(LeakyReLU())
    net.add(Dropout(rate))
    net.add(Conv2D(first * 2, (5, 5), strides=(2, 2), padding='same'))
    net.add(LeakyReLU(0.2))
    net.add(Dropout(rate))
    net.add(Flatten())
    net.add(Dense(1))
    return net


drawn_by = painter()
judged_by = critic()
