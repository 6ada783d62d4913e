"""A process that trains a run together with the one that carries it out; see `ranks`.

python -m digitlab.execution.follow

It is told on its standard input what to train, and ends when that is closed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, BinaryIO


def main() -> None:
    """Train as rank 1 or later, by what the standard input says; exit code 1 where that fails."""
    for number in (signal.SIGINT, signal.SIGTERM):  # rank 0 is asked, and closes the input
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is not an answer
    source = sys.stdin.buffer
    about = json.loads(source.readline())
    content = source.read(about["bytes"])
    threading.Thread(target=_end_with_leader, daemon=True).start()
    try:
        _train(about, content, answers)
    except BaseException as e:
        traceback.print_exc()
        first = (str(e).strip() or type(e).__name__).splitlines()[0]
        answers.write(f"{type(e).__name__}: {first}\n".encode())
        os._exit(1)  # without waiting for what the others no longer send


def _end_with_leader() -> None:
    """End this process when rank 0 ends, or no longer needs it."""
    os.read(0, 1)
    os._exit(0)


def _train(about: dict[str, Any], content: bytes, answers: BinaryIO) -> None:
    import torch
    from safetensors.torch import load

    from digitlab.data.load import only_training
    from digitlab.execution.ranks import READY
    from digitlab.models.build import build
    from digitlab.models.spec import ModelSpec
    from digitlab.training.config import TrainConfig
    from digitlab.training.devices import pick_device
    from digitlab.training.engine import Training
    from digitlab.training.normalize import Normalization
    from digitlab.training.ranks import joined
    from digitlab.training.state import TrainState
    from digitlab.training.tensors import part

    torch.set_num_threads(about["threads"])
    tensors, rank, size = load(content), about["rank"], about["size"]
    config = TrainConfig.from_dict(about["config"])
    model = build(ModelSpec.from_dict(about["spec"]))
    data = only_training(tensors["images"], tensors["labels"])
    values, scale = about["state"], about["normalization"]
    normalization = Normalization(**scale) if scale else None
    state = TrainState(part(tensors, "state"), values) if values else None
    device = pick_device(config.device, rank, size)
    answers.write(READY)
    with joined(Path(about["folder"]), rank, size, device) as ranks:
        for _ in Training(model, data, config, state, normalization, ranks).events():
            pass


if __name__ == "__main__":
    main()
