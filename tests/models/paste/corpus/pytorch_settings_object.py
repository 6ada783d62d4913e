# models.py: every client gets the same small network
import torch.nn as nn
import torch.nn.functional as F


class ClientNet(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.args = args
        self.enc1 = nn.Conv2d(args.num_channels, 12, 5)
        self.enc2 = nn.Conv2d(12, 24, 5)
        self.drop = nn.Dropout(p=self.args.dropout)
        self.hidden = nn.Linear(24 * 4 * 4, args.model.hidden_dim)
        self.out = nn.Linear(args.model.hidden_dim, args.num_classes)

    def forward(self, images):
        z = F.max_pool2d(F.relu(self.enc1(images)), 2)
        z = F.max_pool2d(F.relu(self.enc2(z)), 2)
        z = self.drop(z.flatten(1))
        return F.log_softmax(self.out(F.relu(self.hidden(z))), dim=1)


def make_client(args):
    net = ClientNet(args)
    return net.to(args.device)
