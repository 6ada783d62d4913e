# Erkennung handgeschriebener Ziffern – Übung 3
# Aufgabe: ein kleines Faltungsnetz mit Überspringverbindung
import torch
from torch import nn
import torch.nn.functional as F

class Ziffernnetz(nn.Module):
	"""Zwei Faltungen, eine Überbrückung, eine Ausgabeschicht."""
	def __init__(self, kanäle = 12):
		super().__init__()
		self.faltung1 = nn.Conv2d(1, kanäle, 3, padding = 1)
		self.faltung2 = nn.Conv2d(kanäle, kanäle, 3, padding = 1)
		self.ausgabe = nn.Linear(kanäle * 14 * 14, 10)

	def forward(self, bild):
		a = F.relu(self.faltung1(bild))   # größe bleibt gleich
		b = self.faltung2(a)
		b = F.relu(a + b)
		b = F.max_pool2d(b, 2)
		b = b.view(b.size(0), -1)
		return self.ausgabe(b)

netz = Ziffernnetz()
print("Anzahl der Gewichte:", sum(p.numel() for p in netz.parameters()))
