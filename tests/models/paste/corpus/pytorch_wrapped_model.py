import torch
from torch.nn import (Module, Conv2d, Linear, MaxPool2d, ReLU, LogSoftmax, DataParallel)
from torch import flatten

class LeNet(Module):
	def __init__(self, numChannels, classes):
		# call the parent constructor
		super(LeNet, self).__init__()
		# first set of CONV => RELU => POOL layers
		self.conv1 = Conv2d(in_channels=numChannels, out_channels=10, kernel_size=(5, 5))
		self.relu1 = ReLU()
		self.maxpool1 = MaxPool2d(kernel_size=(2, 2), stride=(2, 2))
		self.conv2 = Conv2d(in_channels=10, out_channels=20, kernel_size=(5, 5))
		self.relu2 = ReLU()
		self.maxpool2 = MaxPool2d(kernel_size=(2, 2), stride=(2, 2))
		self.fc1 = Linear(in_features=320, out_features=50)
		self.relu3 = ReLU()
		self.fc2 = Linear(in_features=50, out_features=classes)
		self.logSoftmax = LogSoftmax(dim=1)

	def forward(self, x):
		x = self.conv1(x)
		x = self.relu1(x)
		x = self.maxpool1(x)
		x = self.conv2(x)
		x = self.relu2(x)
		x = self.maxpool2(x)
		x = flatten(x, 1)
		x = self.fc1(x)
		x = self.relu3(x)
		x = self.fc2(x)
		output = self.logSoftmax(x)
		return output

model = LeNet(
	numChannels=1,
	classes=len(trainData.dataset.classes)).to(device)
model = torch.compile(DataParallel(model))
