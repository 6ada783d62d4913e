#!/usr/bin/env python3
from __future__ import print_function

import argparse
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torchvision import datasets, transforms


class DigitNet(nn.Module):
    def __init__(self):
        super(DigitNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1)
        self.conv2 = nn.Conv2d(16, 32, 3, 1)
        self.drop_a = nn.Dropout(0.25)
        self.drop_b = nn.Dropout(0.5)
        self.fc1 = nn.Linear(4608, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.drop_a(F.max_pool2d(x, 2))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        logits = self.fc2(self.drop_b(x))
        return F.log_softmax(logits, dim=1)


def run_epoch(args, model, device, loader, optimizer, epoch):
    model.train()
    for step, (images, labels) in enumerate(loader):
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        if step % args.log_every == 0:
            print("epoch {} step {} loss {:.4f}".format(epoch, step, loss.item()))
            if args.dry_run:
                break


@torch.no_grad()
def accuracy(model, device, loader):
    model.eval()
    right = 0
    for images, labels in loader:
        guess = model(images.to(device)).argmax(dim=1, keepdim=True)
        right += guess.eq(labels.to(device).view_as(guess)).sum().item()
    return right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description="digits")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="images at a time")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.7)
    parser.add_argument("--no-cuda", action="store_true", default=False)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--log-every", type=int, default=10)
    args = parser.parse_args()
    cuda = not args.no_cuda and torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    extra = {"num_workers": 1, "pin_memory": True} if cuda else {}

    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train = datasets.MNIST(os.path.expanduser("~/data"), train=True, download=True, transform=to_tensor)
    test = datasets.MNIST(os.path.expanduser("~/data"), train=False, transform=to_tensor)
    train_loader = torch.utils.data.DataLoader(train, batch_size=args.batch_size, shuffle=True, **extra)
    test_loader = torch.utils.data.DataLoader(test, batch_size=1000, **extra)

    model = DigitNet().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        run_epoch(args, model, device, train_loader, optimizer, epoch)
        print(accuracy(model, device, test_loader))
        scheduler.step()
    torch.save(model.state_dict(), "digits.pt")


if __name__ == "__main__":
    main()
