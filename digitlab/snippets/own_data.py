"""The few lines of digitlab under the cells on datasets of one's own."""

from __future__ import annotations

from collections.abc import Sequence

_IMPORT = "import digitlab as dl\n"


def adding(
    name: str,
    source: str,
    classes: Sequence[str] | None = None,
    test_fraction: float | None = None,
    *,
    draw_test: bool = False,
) -> str:
    """A file as a dataset; `source` is its name and how it is to be read, as code.

    Without a `test_fraction` train and test are those of the file.
    """
    more = f", classes={tuple(classes)!r}" if classes else ""
    share = f", test_fraction={test_fraction:g}" if test_fraction is not None else ""
    share += ", draw_test=True" if draw_test else ""
    return f"""{_IMPORT}
images = dl.read_images({source}{more})
print(images.classes, images.labels[:20])
for note in images.notes:
    print(note)  # how it was read, and all that was changed

dl.add_dataset({name!r}, images{share})
print(dl.load_dataset({name!r}))
"""


def using(name: str) -> str:
    """A dataset trained on, measured on, and written to files."""
    return f"""{_IMPORT}
data = dl.load_dataset({name!r})
run = dl.train("two-hidden-64-relu", data, dl.TrainConfig(epochs=2))
print(run.evaluate("test").accuracy)
print(dl.export_dataset({name!r}, {f"{name.replace(':', '-')}.npz"!r}))  # or .zip
"""


def submitting(run_id: str, file: str) -> str:
    """A network's answers for images without labels, as Kaggle's digit recogniser takes them."""
    return f"""{_IMPORT}
print(dl.write_submission({run_id!r}, {file!r}, "submission.csv"))  # ImageId,Label
"""
