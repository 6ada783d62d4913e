"""The few lines of digitlab under each cell of an autoencoder's results.

Each function returns a text that runs as it stands (a test runs them all). `split` and `dataset`
say which images are meant: the run's own where `dataset` is None.
"""

from __future__ import annotations


def _images(run_id: str, split: str, dataset: str | None, *imports: str) -> str:
    data = "run.load_data()" if dataset is None else f"dl.load_dataset({dataset!r})"
    lines = ["import digitlab as dl", *sorted(imports), "", f"run = dl.open_run({run_id!r})"]
    return "\n".join([*lines, f"data = {data}", f"part = data.split({split!r})"])


def errors(run_id: str, split: str, dataset: str | None = None) -> str:
    """The reconstruction error, of all images and of each class."""
    where = f"{split!r}" if dataset is None else f"{split!r}, {dataset!r}"
    return f"""import digitlab as dl

run = dl.open_run({run_id!r})
result = run.measure_reconstruction({where})
print(result.error, result.interval, result.median)
for row in result.per_class:
    print(row.name, row.error, row.count)
"""


def pairs(run_id: str, split: str, dataset: str | None = None) -> str:
    """The images that were given back worst, and what became of them."""
    figure = "from digitlab.figures.images import before_and_after"
    where = f"{split!r}" if dataset is None else f"{split!r}, data"
    return f"""{_images(run_id, split, dataset, figure)}
worst = run.measure_reconstruction({where}).worst(16)
images = part.images[worst]
outputs = (255 * run.reconstruct(images)).round().astype("uint8")
figure = before_and_after(images.numpy(), outputs, [str(n) for n in worst])
"""


def latent_map(run_id: str, split: str, dataset: str | None = None) -> str:
    """The latent values of some images as points of a plane."""
    names = "from digitlab.analysis.latent import LatentSpace, Plane"
    return f"""{_images(run_id, split, dataset, names)}
space = LatentSpace(run)
print(space.layer, space.size)
values = space.encode(part.images[:1500])  # [N, size]
points = Plane(values).points(values)  # [N, 2]
"""


def interpolation(
    run_id: str, split: str, dataset: str | None = None, *, first: int = 0, second: int = 1
) -> str:
    """Images between two, decoded from latent values in equal steps."""
    names = "from digitlab.analysis.latent import LatentSpace, interpolate"
    return f"""{_images(run_id, split, dataset, names)}
space = LatentSpace(run)
a, b = space.encode(part.images[[{first}, {second}]])
images = space.decode(interpolate(a, b, 11))  # float32 from 0 to 1, [11, 1, 28, 28]
"""


def novelty(run_id: str, split: str, dataset: str | None = None) -> str:
    """How well the error tells letters, shapes and noise from the run's images."""
    names = "from digitlab.analysis.novelty import find_novel"
    where = f"{split!r}" if dataset is None else f"{split!r}, data"
    return f"""{_images(run_id, split, dataset, names)}
errors = run.measure_reconstruction({where}).errors
for kind, (images, values, separation) in find_novel(run, errors, part.images).items():
    print(kind, values.mean(), separation.area, separation.detection_rate)
"""
