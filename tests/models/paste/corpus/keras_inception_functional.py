from keras.layers import Input, Conv2D, MaxPooling2D, Dense, Flatten, concatenate, Dropout
from keras.models import Model


def inception_module(layer_in, f1, f2_in, f2_out, f3_in, f3_out, f4_out):
    conv1 = Conv2D(f1, (1, 1), padding='same', activation='relu')(layer_in)
    conv3 = Conv2D(f2_in, (1, 1), padding='same', activation='relu')(layer_in)
    conv3 = Conv2D(f2_out, (3, 3), padding='same', activation='relu')(conv3)
    conv5 = Conv2D(f3_in, (1, 1), padding='same', activation='relu')(layer_in)
    conv5 = Conv2D(f3_out, (5, 5), padding='same', activation='relu')(conv5)
    pool = MaxPooling2D((3, 3), strides=(1, 1), padding='same')(layer_in)
    pool = Conv2D(f4_out, (1, 1), padding='same', activation='relu')(pool)
    return concatenate([conv1, conv3, conv5, pool], axis=-1)


visible = Input(shape=(28, 28, 1))
layer = inception_module(visible, 6, 8, 10, 4, 5, 7)
layer = MaxPooling2D((2, 2))(layer)
layer = inception_module(layer, 8, 9, 12, 3, 4, 5)
flat = Flatten()(layer)
drop = Dropout(rate=0.4)(flat)
output = Dense(10, activation='softmax')(drop)
model = Model(inputs=visible, outputs=output)
