import tensorflow as tf


class MyModel(tf.keras.Model):
    def __init__(self, num_classes=10):
        super(MyModel, self).__init__()
        self.x0 = tf.keras.layers.Flatten(input_shape=(28, 28))
        self.x1 = tf.keras.layers.Dense(64, activation=tf.nn.relu, name="d1")
        self.x2 = tf.keras.layers.Dropout(0.2)
        self.predictions = tf.keras.layers.Dense(num_classes, activation=tf.nn.softmax, name="prediction")

    def call(self, inputs):
        x = self.x0(inputs)
        x = self.x1(x)
        x = self.x2(x)
        return self.predictions(x)


BATCH_SIZE = 512
EPOCHS = 10
model = MyModel()
model.compile(optimizer=tf.keras.optimizers.Adam(), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_x, train_y, batch_size=BATCH_SIZE, epochs=EPOCHS)
