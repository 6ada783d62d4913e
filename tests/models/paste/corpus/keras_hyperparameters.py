from keras.models import Sequential
from keras.layers import Dense, Dropout
from keras.optimizers import Adam, RMSprop

params = {
    'units': [128, 64],
    'activation': 'selu',
    'init': 'lecun_normal',
    'dropout': 0.25,
    'lr': 0.001,
    'batch': 64,
    'epochs': 10,
}
IMG_SIZE = 28
input_dim = IMG_SIZE ** 2

model = Sequential()
for i, units in enumerate(params['units']):
    if i == 0:
        model.add(Dense(units, input_dim=input_dim, activation=params['activation'],
                        kernel_initializer=params['init']))
    else:
        model.add(Dense(units, activation=params['activation'], kernel_initializer=params['init']))
    model.add(Dropout(params['dropout']))
model.add(Dense(10, activation='softmax', name='out'))
model.compile(optimizer=Adam(learning_rate=params['lr']), loss='categorical_crossentropy')
model.fit(x_train, y_train, epochs=params['epochs'], batch_size=params['batch'])
