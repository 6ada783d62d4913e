import torch
import torch.nn as nn
import torch.nn.functional as F


class Inception(nn.Module):
    def __init__(self, cin):
        super(Inception, self).__init__()
        self.b1 = nn.Conv2d(cin, 16, kernel_size=1)

        self.b5_1 = nn.Conv2d(cin, 16, kernel_size=1)
        self.b5_2 = nn.Conv2d(16, 24, kernel_size=5, padding=2)

        self.b3_1 = nn.Conv2d(cin, 16, kernel_size=1)
        self.b3_2 = nn.Conv2d(16, 24, kernel_size=3, padding=1)
        self.b3_3 = nn.Conv2d(24, 24, kernel_size=3, padding=1)

        self.pooled = nn.Conv2d(cin, 24, kernel_size=1)

    def forward(self, x):
        one = self.b1(x)
        five = self.b5_2(self.b5_1(x))

        three = self.b3_1(x)
        three = self.b3_2(three)
        three = self.b3_3(three)

        pool = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        pool = self.pooled(pool)

        branches = [one, five, three, pool]
        return torch.cat(branches, 1)   # 16 + 24 + 24 + 24 = 88


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(88, 20, kernel_size=5)
        self.incept1 = Inception(cin=10)
        self.incept2 = Inception(cin=20)
        self.mp = nn.MaxPool2d(2)
        self.fc = nn.Linear(1408, 10)

    def forward(self, x):
        n = x.size(0)
        x = F.relu(self.mp(self.conv1(x)))
        x = self.incept1(x)
        x = F.relu(self.mp(self.conv2(x)))
        x = self.incept2(x)
        x = x.view(n, -1)
        return F.log_softmax(self.fc(x), dim=1)


model = Net()
