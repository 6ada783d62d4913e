import keras
from keras import layers, ops

patch_size, projection_dim, num_heads, depth = 7, 32, 4, 2
num_patches = (28 // patch_size) ** 2


def mlp(x, hidden_units, dropout_rate):
    for units in hidden_units:
        x = layers.Dense(units, activation=keras.activations.gelu)(x)
        x = layers.Dropout(dropout_rate)(x)
    return x


def create_vit():
    inputs = keras.Input(shape=(28, 28, 1))
    x = layers.Conv2D(projection_dim, patch_size, strides=patch_size)(inputs)
    x = layers.Reshape((num_patches, projection_dim))(x)
    for _ in range(depth):
        x1 = layers.LayerNormalization(epsilon=1e-6)(x)
        attention = layers.MultiHeadAttention(num_heads=num_heads, key_dim=projection_dim // num_heads, dropout=0.1)(x1, x1)
        x2 = layers.Add()([attention, x])
        x3 = layers.LayerNormalization(epsilon=1e-6)(x2)
        x3 = mlp(x3, hidden_units=[projection_dim * 2, projection_dim], dropout_rate=0.1)
        x = layers.Add()([x3, x2])
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.5)(x)
    logits = layers.Dense(10)(x)
    return keras.Model(inputs=inputs, outputs=logits)


vit = create_vit()
