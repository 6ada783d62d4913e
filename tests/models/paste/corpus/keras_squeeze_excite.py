from tensorflow.keras import layers, Model, Input

def se(x, ratio=4):
    filters = x.shape[-1]
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.Reshape((1, 1, filters))(s)
    s = layers.Dense(filters // ratio, activation='relu', use_bias=False)(s)
    s = layers.Dense(filters, activation='sigmoid', use_bias=False)(s)
    return layers.multiply([x, s])

inp = Input((28, 28, 1))
x = layers.Conv2D(16, 3, activation='relu')(inp)
x = se(x)
x = layers.Cropping2D(((1, 1), (1, 1)))(x)
x = layers.GlobalMaxPooling2D(keepdims=False)(x)
model = Model(inp, layers.Dense(10)(x))
