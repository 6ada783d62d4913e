import keras
from keras import layers


class ConvBlock(layers.Layer):
    def __init__(self, filters, kernel_size=3, **kwargs):
        super(ConvBlock, self).__init__(**kwargs)
        self.conv = layers.Conv2D(filters, kernel_size, padding='same')
        self.bn = layers.BatchNormalization()

    def call(self, inputs, training=False):
        x = self.conv(inputs)
        x = self.bn(x, training=training)
        return keras.activations.relu(x)


class Net(keras.Model):
    def __init__(self, num_classes=10):
        super(Net, self).__init__(name='net')
        self.block_1 = ConvBlock(8)
        self.block_2 = ConvBlock(16)
        self.pool = layers.MaxPooling2D(strides=2)
        self.global_pool = layers.GlobalMaxPooling2D()
        self.dropout = layers.Dropout(0.3)
        self.classifier = layers.Dense(num_classes)

    def call(self, inputs, training=False):
        x = self.pool(self.block_1(inputs, training=training))
        x = self.block_2(x, training=training)
        x = self.global_pool(x)
        if training:
            x = self.dropout(x, training=training)
        return self.classifier(x)


model = Net(num_classes=10)
model.build(input_shape=(None, 28, 28, 1))
