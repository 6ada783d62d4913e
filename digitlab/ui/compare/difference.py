"""A against B: whether the difference is significant, and which classes and images differ."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.snippets import comparison as snippets
from digitlab.ui import page
from digitlab.ui.compare import pair
from digitlab.ui.compare.choose import ComparedRun


def show(runs: Sequence[ComparedRun]) -> None:
    """Show the verdict, then the classes, confusions and images that differ."""
    page.cell("Is the difference significant?", "Choose two of the runs, A and B.")
    a, b = pair.pick_pair(runs)
    compared = pair.show_verdict(a, b, len(runs))
    if compared:
        page.code_fold(snippets.difference(a.id, b.id))

        page.cell(
            "Difference by class",
            "Recall is the share of the images of a class that are read correctly. F1 also counts "
            f"the images wrongly read as the class. Points right of 0 are better than {a.name}.",
        )
        metric = pair.show_classes(runs, a)
        page.code_fold(snippets.classes(a.id, b.id, metric))

        page.cell(
            "Difference of the confusion matrices",
            f"{b.name} minus {a.name}, in images. Blue is better: more correct answers on the "
            "diagonal, fewer mistakes off it. Orange is worse.",
        )
        pair.show_confusion(a, b)
        page.code_fold(snippets.confusion(a.id, b.id))

        page.cell(
            "Images that make the difference",
            "An image that all runs misread is often hard to read or wrongly labelled. Click an "
            "image to enlarge it and to see what each run read.",
        )
        pair.show_images(runs, a, b, compared)
        page.code_fold(snippets.images([run.id for run in runs], a.id, b.id))

    page.cell("The two architectures", "Each box shows the shape of its output.")
    pair.show_architectures(a, b)
    page.code_fold(snippets.architectures(a.id, b.id))
