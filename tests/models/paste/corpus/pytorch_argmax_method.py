import torch
from torch import nn


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28*28, 80),
            nn.ReLU(),
            nn.Linear(80, 80),
            nn.ReLU(),
            nn.Linear(80, 10),
        )

    def forward(self, x):
        x = self.flatten(x)
        logits = self.linear_relu_stack(x)
        return logits

    def predict(self, x):
        self.eval()
        with torch.no_grad():
            probabilities = nn.Softmax(dim=1)(self.forward(x))
            return probabilities.argmax(1)

    @torch.no_grad()
    def accuracy(self, loader):
        hits = sum((self.predict(x) == y).sum().item() for x, y in loader)
        return hits / len(loader.dataset)


device = (
    "cuda" if torch.cuda.is_available()
    else "mps" if torch.backends.mps.is_available()
    else "cpu"
)
print(f"Using {device} device")
model = NeuralNetwork().to(device)
X = torch.rand(1, 28, 28, device=device)
logits = model(X)
y_pred = nn.Softmax(dim=1)(logits).argmax(1)
print(f"Predicted class: {y_pred}")
