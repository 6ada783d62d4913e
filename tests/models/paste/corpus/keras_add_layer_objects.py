from tensorflow import keras
import tensorflow.keras.layers as kl

model = keras.models.Sequential(name="alternating")
model.add(keras.Input(shape=(28, 28, 1)))
for filters, size in ((8, 3), (12, 3), (16, 5)):
    conv = kl.Conv2D(filters, size, kernel_initializer=keras.initializers.HeNormal(), bias_initializer='zeros')
    model.add(conv)
    model.add(kl.ELU(alpha=0.5))
model.add(kl.MaxPool2D(pool_size=3, strides=2, padding='valid'))
if len(model.layers) > 3:
    model.add(kl.AlphaDropout(0.1))
model.add(kl.GlobalAvgPool2D())
model.add(kl.Dense(units=10))
model.pop()
model.add(kl.Dense(units=10, activation='log_softmax', use_bias=False))
