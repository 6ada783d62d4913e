import torch
from torch import nn
from d2l import torch as d2l


class LeNet(d2l.Classifier):
    def __init__(self, lr=0.1, num_classes=10):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2, stride=2),
            nn.Conv2d(6, 12, kernel_size=5), nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2, stride=2),
            nn.Flatten(),
            nn.Linear(300, 100), nn.Sigmoid(),
            nn.Linear(100, num_classes))

trainer = d2l.Trainer(max_epochs=10, num_gpus=1)
model = LeNet(lr=0.1)
trainer.fit(model, data)
