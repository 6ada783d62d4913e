# -*- coding: utf-8 -*-
# 手写数字识别：卷积神经网络
import torch
import torch.nn as nn
import torch.utils.data as Data
import torchvision

# 超参数
EPOCH = 1               # 训练轮数
BATCH_SIZE = 50
LR = 0.001              # 学习率


class 网络(nn.Module):
    def __init__(self):
        super(网络, self).__init__()
        self.卷积 = nn.Sequential(
            nn.Conv2d(1, 8, 5, 1, 2),   # 输入通道，输出通道，卷积核，步长，填充
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.全连接 = nn.Linear(8 * 14 * 14, 10)

    def forward(self, x):
        x = self.卷积(x)
        x = x.view(x.size(0), -1)   # 展平
        return self.全连接(x)


cnn = 网络()
optimizer = torch.optim.Adam(cnn.parameters(), lr=LR)
loss_func = nn.CrossEntropyLoss()
for epoch in range(EPOCH):
    for step, (b_x, b_y) in enumerate(train_loader):
        output = cnn(b_x)
        loss = loss_func(output, b_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
