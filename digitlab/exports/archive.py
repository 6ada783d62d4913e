"""A run as a ZIP that another digitlab imports, see `imports.archive`.

run.json                    what this is, and in which version of the format
record.json  history.json   as they lie in the run's folder
weights.safetensors         what was learnt
predictions.safetensors     logits and labels of the validation and test split
"""

from __future__ import annotations

import io
import json
import zipfile

from digitlab import files
from digitlab.runs import checkpoints, run_folder
from digitlab.runs.run import Run
from digitlab.settings import VERSION


def pack_run(run: Run) -> bytes:
    """The bytes of a ZIP with a run that has ended and is no ensemble."""
    from safetensors.torch import save

    history = {"steps": run.history.steps, "epochs": run.history.epochs}
    texts = {
        run_folder.MANIFEST: {"form": run_folder.ARCHIVE_FORM, "producer": f"digitlab {VERSION}"},
        run_folder.RECORD: run.record.model_dump(exclude={"owner", "share"}),
        run_folder.HISTORY: history,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in texts.items():
            archive.writestr(name, json.dumps(files.finite(value), ensure_ascii=False))
        if checkpoints.has_weights(run.id):
            _store(archive, run_folder.WEIGHTS, save(checkpoints.read_weights(run.id)))
        predictions = run.folder / run_folder.PREDICTIONS
        if predictions.is_file():
            _store(archive, run_folder.PREDICTIONS, predictions.read_bytes())
    return buffer.getvalue()


def _store(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(name, content, zipfile.ZIP_STORED)  # floats hardly shrink
