"""A against B: whether the difference is real, what changed, and the images behind it."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.snippets import comparison as snippets
from digitlab.ui import page
from digitlab.ui.compare import pair
from digitlab.ui.compare.choose import Chosen


def show(chosen: Sequence[Chosen]) -> None:
    """The verdict, and then what is behind it."""
    page.cell("Is the difference real?", "Choose two of the runs: what changes from A to B?")
    a, b = pair.pick_pair(chosen)
    compared = pair.show_verdict(a, b, len(chosen))
    if compared:
        page.code_fold(snippets.difference(a.run.id, b.run.id))

        page.cell(
            "Which classes gained, which lost?",
            "Recall: of the images of this class, how many were found. F1 also counts what was "
            f"wrongly taken for it. Points right of 0 are better than {a.name}.",
        )
        metric = pair.show_classes(chosen, a)
        page.code_fold(snippets.classes(a.run.id, b.run.id, metric))

        page.cell(
            "What is confused less, what more?",
            f"{b.name} minus {a.name}, in images. Blue is better: more hits on the diagonal, fewer "
            "mistakes off it. Orange is worse.",
        )
        pair.show_confusion(a, b)
        page.code_fold(snippets.confusion(a.run.id, b.run.id))

        page.cell(
            "The images behind it",
            "What all runs miss is often hard, or labelled wrongly, rather than a fault of one. "
            "Click one to see it large, and what each run made of it.",
        )
        pair.show_images(chosen, a, b, compared)
        page.code_fold(snippets.images([one.run.id for one in chosen], a.run.id, b.run.id))

    page.cell("The two architectures", "Boxes say what leaves them; sizes are inferred.")
    pair.show_architectures(a, b)
    page.code_fold(snippets.architectures(a.run.id, b.run.id))
