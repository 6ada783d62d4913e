import keras
from keras import layers

image = keras.Input((28, 28, 1))

def tower(x, size, dilation):
    x = layers.Conv2D(8, size, padding='same', dilation_rate=dilation)(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.MaxPooling2D(4)(x)
    return layers.Flatten()(x)

left = tower(image, 3, 1)
right = tower(image, 5, 2)
both = layers.Concatenate()([left, right])
gate = layers.Dense(784, activation='sigmoid')(both)
both = layers.Multiply()([both, gate])
logits = layers.Dense(10)(both)
probabilities = layers.Softmax()(logits)
model = keras.models.Model(inputs=[image], outputs=[probabilities])
