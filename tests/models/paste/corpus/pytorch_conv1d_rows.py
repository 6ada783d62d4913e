import torch
import torch.nn as nn

class Conv1dNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(in_channels=28, out_channels=32, kernel_size=3, padding=1)
        self.c2 = nn.Conv1d(32, 32, 3, padding=2, dilation=2, padding_mode='circular')
        self.pool = nn.MaxPool1d(2)
        self.drop = nn.Dropout1d(0.1)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = x.squeeze(dim=1)
        x = self.pool(self.c1(x).relu_())
        x = self.drop(x)
        x = self.pool(self.c2(x).relu())
        x = x.amax(dim=-1)
        return self.fc(x)
