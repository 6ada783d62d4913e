import tensorflow as tf
from tensorflow.keras.layers import *
from tensorflow.keras.models import Model

def conv_block(x, growth_rate, name):
    x1 = BatchNormalization(axis=3, epsilon=1.001e-5, name=name + '_0_bn')(x)
    x1 = Activation('relu', name=name + '_0_relu')(x1)
    x1 = Conv2D(growth_rate, 3, padding='same', use_bias=False, name=name + '_1_conv')(x1)
    return Concatenate(axis=3, name=name + '_concat')([x, x1])

def transition_block(x, reduction, name):
    x = BatchNormalization(name=name + '_bn')(x)
    x = ReLU(max_value=6., name=name + '_relu')(x)
    x = Conv2D(int(tf.keras.backend.int_shape(x)[3] * reduction), 1, use_bias=False, name=name + '_conv')(x)
    return AveragePooling2D(2, strides=2, name=name + '_pool')(x)

img_input = Input(shape=(28, 28, 1))
x = ZeroPadding2D(padding=((1, 1), (1, 1)))(img_input)
x = Conv2D(8, 3, use_bias=False, name='conv1_conv')(x)
for b in range(2):
    for i in range(2):
        x = conv_block(x, 6, name='conv%d_block%d' % (b, i))
    x = transition_block(x, 0.5, name=f'pool{b}')
x = GlobalAveragePooling2D(name='avg_pool')(x)
x = Dense(10, activation='softmax', name='fc')(x)
model = Model(img_input, x, name='densenet')
