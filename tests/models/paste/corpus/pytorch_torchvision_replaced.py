import torch
import torch.nn as nn
import torchvision
from torchvision import models, transforms

tfm = transforms.Compose([transforms.Resize(32), transforms.ToTensor()])
train_ds = torchvision.datasets.MNIST('data', train=True, transform=tfm, download=True)

model = models.squeezenet1_1(weights=None, num_classes=10)
model.features[0] = nn.Conv2d(1, 64, kernel_size=3, stride=1, padding=1)
model.classifier[1] = nn.Conv2d(512, 10, kernel_size=(1, 1))
model.num_classes = 10

optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, weight_decay=5e-4)
