import torch
from torch import nn


class RowReader(nn.Module):
    """Reads a digit from top to bottom; sizes come from the experiment's yaml."""

    def __init__(self, config):
        super(RowReader, self).__init__()
        layers = config.get("layers", 1)
        self.rnn = nn.GRU(config["input_size"], config["hidden_size"], layers, batch_first=True)
        self.head = nn.Linear(config["hidden_size"], config["num_classes"])

    def forward(self, x):
        x = x.view(-1, 28, 28)
        steps, _ = self.rnn(x)
        return self.head(steps[:, -1])


if __name__ == "__main__":
    import yaml
    with open("experiment.yaml") as f:
        cfg = yaml.safe_load(f)
    model = RowReader(cfg)
    print(sum(p.numel() for p in model.parameters()))
