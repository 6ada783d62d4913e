import torch


def get_model(kind="cnn", n_classes=10):
    import torch.nn as nn

    if kind == "mlp":
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, n_classes))
    elif kind == "cnn":
        model = nn.Sequential()
        model.add_module("conv", nn.Conv2d(1, 12, 5, stride=2))
        model.add_module("act", nn.ReLU())
        model.add_module("flat", nn.Flatten())
        model.add_module("drop", nn.Dropout(0.1))
        model.add_module("out", nn.Linear(12 * 12 * 12, n_classes))
    else:
        raise ValueError(f"{kind!r} is not known")
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    return model


def main():
    model = get_model()
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
    print(model, criterion, optimizer)


if __name__ == "__main__":
    main()
