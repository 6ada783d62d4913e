"""What differs: settings, and of two runs A and B their accuracy, classes and images."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.snippets import comparison as snippets
from digitlab.ui import page
from digitlab.ui.compare import pair, side_by_side
from digitlab.ui.compare.choose import ComparedRun
from digitlab.ui.markdown import plain


def show(runs: Sequence[ComparedRun]) -> None:
    """Show whether the difference of two runs is significant, and the settings that differ."""
    a, b = pair.pick_pair(runs)
    page.cell("Is the difference significant?")
    if compared := pair.compare(a, b):
        pair.show_verdict(a, b, compared, len(runs))
        page.code_fold(snippets.difference(a.id, b.id, together=a.rows is not None))

    page.cell(
        "Which settings differ?",
        "If only one differs, it is the likely cause of a difference in the results.",
    )
    side_by_side.show_settings(runs)
    page.code_fold(snippets.settings([run.id for run in runs]))


def show_classes(runs: Sequence[ComparedRun]) -> None:
    """Show how the classes and the confusion matrices of two runs differ."""
    a, b = pair.pick_pair(runs)
    page.cell(
        "Difference by class",
        "Recall is the share of the images of a class that are read correctly. F1 also counts "
        f"the images wrongly read as the class. Points right of 0 are better than {plain(a.name)}.",
    )
    if not pair.compare(a, b):
        return
    metric = pair.show_classes(runs, a)
    page.code_fold(snippets.classes(a.id, b.id, metric, together=a.rows is not None))

    page.cell(
        "Difference of the confusion matrices",
        f"{plain(b.name)} minus {plain(a.name)}, in images. Blue is better: more correct answers "
        "on the diagonal, fewer mistakes off it. Orange is worse.",
    )
    pair.show_confusion(a, b)
    page.code_fold(snippets.confusion(a.id, b.id, together=a.rows is not None))


def show_images(runs: Sequence[ComparedRun]) -> None:
    """Show the images that only one of two runs reads correctly, or none of all."""
    a, b = pair.pick_pair(runs)
    page.cell(
        "Images that make the difference",
        "An image that all runs misread is often hard to read or wrongly labelled.",
    )
    if compared := pair.compare(a, b):
        pair.show_images(runs, a, b, compared)
        ids = [run.id for run in runs]
        page.code_fold(snippets.images(ids, a.id, b.id, together=a.rows is not None))


def show_architectures(runs: Sequence[ComparedRun]) -> None:
    """Show the architectures of two runs side by side."""
    a, b = pair.pick_pair(runs)
    page.cell("The two architectures", "Each box shows the shape of its output.")
    pair.show_architectures(a, b)
    page.code_fold(snippets.architectures(a.id, b.id))
