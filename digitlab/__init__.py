"""digitlab: a lab for handwritten digits.

    import digitlab as dl
    data = dl.load_dataset("mnist")
    run = dl.train("two-hidden-64-relu", data, dl.TrainConfig(epochs=5))
    print(run.evaluate("test").accuracy)
    print(dl.recognize("drawing.png").text)

The names and their modules are in `__init__.pyi`. A name is looked up when it is first used, so
that importing digitlab costs nothing.
"""

from __future__ import annotations

import os

import lazy_loader

from digitlab.settings import VERSION

__version__ = VERSION

# OpenMP threads that wait by spinning starve each other as soon as another process computes too:
# training beside a busy app took 20 times as long. Sleeping threads cost nothing measurable.
# torch reads this when it is loaded; whoever set it, or loaded torch before, keeps their choice.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# ONNX Runtime, from 1.29, keeps a number for this machine in the person's cache and tells Microsoft
# of each process, session and network, unless it reads this while it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
