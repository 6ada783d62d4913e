import torch
from torch import nn
from torch.nn import functional as F


class CRNN(nn.Module):
    def __init__(self, img_channel, num_class, map_to_seq_hidden=16, rnn_hidden=24):
        super().__init__()
        self.cnn = nn.Sequential()

        def conv_relu(i, cin, cout, batch_norm=False):
            self.cnn.add_module(f'conv{i}', nn.Conv2d(cin, cout, 3, 1, 1))
            if batch_norm:
                self.cnn.add_module(f'batchnorm{i}', nn.BatchNorm2d(cout))
            self.cnn.add_module(f'relu{i}', nn.LeakyReLU(0.2, inplace=True))

        conv_relu(0, img_channel, 8)
        self.cnn.add_module('pooling0', nn.MaxPool2d(kernel_size=2, stride=2))
        conv_relu(1, 8, 16, batch_norm=True)
        self.cnn.add_module('pooling1', nn.MaxPool2d(kernel_size=(2, 1)))

        height = 28 // 4
        self.map_to_seq = nn.Linear(16 * height, map_to_seq_hidden)
        self.rnn1 = nn.LSTM(map_to_seq_hidden, rnn_hidden, bidirectional=True)
        self.rnn2 = nn.LSTM(2 * rnn_hidden, rnn_hidden, bidirectional=True)
        self.dense = nn.Linear(2 * rnn_hidden, num_class)

    def forward(self, images):
        conv = self.cnn(images)
        batch, channel, height, width = conv.size()
        conv = conv.view(batch, channel * height, width)
        conv = conv.permute(2, 0, 1)  # (width, batch, feature)
        seq = self.map_to_seq(conv)
        recurrent, _ = self.rnn1(seq)
        recurrent, _ = self.rnn2(recurrent)
        output = self.dense(recurrent.mean(dim=0))
        return output


crnn = CRNN(1, 10)
