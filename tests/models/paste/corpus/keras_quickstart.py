import tensorflow as tf
print("TensorFlow version:", tf.__version__)

mnist = tf.keras.datasets.mnist

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

net = tf.keras.models.Sequential([
  tf.keras.layers.Flatten(input_shape=(28, 28)),
  tf.keras.layers.Dense(96, activation='relu'),
  tf.keras.layers.Dropout(0.2),
  tf.keras.layers.Dense(10)
])

predictions = net(x_train[:1]).numpy()
tf.nn.softmax(predictions).numpy()
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
net.compile(optimizer='adam', loss=loss_fn, metrics=['accuracy'])
net.fit(x_train, y_train, epochs=5)
net.evaluate(x_test,  y_test, verbose=2)

probability_model = tf.keras.Sequential([
  net,
  tf.keras.layers.Softmax()
])
probability_model(x_test[:5])
