import torch
from torch import nn
import torch.nn.functional as F

class ArcHead(nn.Module):
    def __init__(self, d, classes, s=16.0):
        super().__init__()
        self.W = nn.Parameter(torch.FloatTensor(classes, d))
        nn.init.xavier_uniform_(self.W)
        self.s = s

    def forward(self, x):
        cosine = F.linear(F.normalize(x), F.normalize(self.W))
        return self.s * cosine

class EmbeddingNet(nn.Module):
    def __init__(self):
        super(EmbeddingNet, self).__init__()
        self.convnet = nn.Sequential(nn.Conv2d(1, 8, 5), nn.PReLU(),
                                     nn.MaxPool2d(2, stride=2),
                                     nn.Conv2d(8, 16, 5), nn.PReLU(),
                                     nn.MaxPool2d(2, stride=2))
        self.fc = nn.Sequential(nn.Linear(16 * 4 * 4, 32), nn.PReLU(), nn.Linear(32, 8))

    def forward(self, x):
        output = self.convnet(x)
        output = output.view(output.size()[0], -1)
        return self.fc(output)

    def get_embedding(self, x):
        return self.forward(x)

class Classifier(nn.Module):
    def __init__(self, embedding_net, n_classes):
        super(Classifier, self).__init__()
        self.embedding_net = embedding_net
        self.head = ArcHead(8, n_classes)

    def forward(self, x):
        return self.head(self.embedding_net.get_embedding(x))

embedding_net = EmbeddingNet()
model = Classifier(embedding_net, n_classes=10)
