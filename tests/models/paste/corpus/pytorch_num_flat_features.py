import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision.transforms as T
from torchvision.datasets import MNIST

tf = T.Compose([T.Resize((32, 32)), T.ToTensor()])
trainset = MNIST('.', train=True, transform=tf, download=True)


class Net(nn.Module):

    def __init__(self):
        super(Net, self).__init__()
        # one grey channel in, six feature maps out, 5x5 windows
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 100)
        self.fc2 = nn.Linear(100, 60)
        self.fc3 = nn.Linear(60, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        # a square window can be one number
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x):
        count = 1
        for s in x.size()[1:]:   # without the batch
            count *= s
        return count


net = Net()
print(net)
weights = list(net.parameters())
print(len(weights), weights[0].size())
sample = torch.randn(1, 1, 32, 32)
out = net(sample)
target = torch.randn(10).view(1, -1)
loss = nn.MSELoss()(out, target)
net.zero_grad()
loss.backward()
print(net.conv1.bias.grad)
