import torch
from torch import nn
from torch.nn import Parameter


class SelfAttn(nn.Module):
    """ Self attention over the places of a feature map """
    def __init__(self, in_dim):
        super(SelfAttn, self).__init__()
        self.query_conv = nn.Conv2d(in_channels=in_dim, out_channels=in_dim//4, kernel_size=1)
        self.key_conv = nn.Conv2d(in_channels=in_dim, out_channels=in_dim//4, kernel_size=1)
        self.value_conv = nn.Conv2d(in_channels=in_dim, out_channels=in_dim, kernel_size=1)
        self.gamma = Parameter(torch.zeros(1))
        self.softmax = nn.Softmax(dim=-1)

    def forward(self, x):
        B, C, W, H = x.size()
        q = self.query_conv(x).view(B, -1, W*H).permute(0, 2, 1)
        k = self.key_conv(x).view(B, -1, W*H)
        energy = torch.bmm(q, k)
        attention = self.softmax(energy)
        v = self.value_conv(x).view(B, -1, W*H)
        out = torch.bmm(v, attention.permute(0, 2, 1))
        out = out.view(B, C, W, H)
        out = self.gamma*out + x
        return out, attention


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.l1 = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.1))
        self.attn1 = SelfAttn(8)
        self.l2 = nn.Sequential(nn.Conv2d(8, 16, 4, 2, 1), nn.LeakyReLU(0.1))
        self.last = nn.Conv2d(16, 10, 7)

    def forward(self, x):
        out = self.l1(x)
        out, p1 = self.attn1(out)
        out = self.l2(out)
        out = self.last(out)
        return out.squeeze()


D = Net()
