import torch.nn as nn

layers = []
n = 1
while True:
    layers.append(nn.Linear(784, 784))
    n += 1
    if n < 0:
        break
model = nn.Sequential(nn.Flatten(), *layers)
