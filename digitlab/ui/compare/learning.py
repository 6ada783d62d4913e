"""How they learnt: learning curves overlaid, all accuracies in one figure; and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.snippets import comparison as snippets
from digitlab.ui import page
from digitlab.ui.compare import side_by_side
from digitlab.ui.compare.choose import Chosen


def show(chosen: Sequence[Chosen]) -> None:
    """The curves, and the classic figure."""
    ids = [one.run.id for one in chosen]
    page.cell(
        "How they learnt",
        "By epochs, runs have seen equally many images; by steps, had equally many updates; by "
        "seconds, cost equally much.",
    )
    over = side_by_side.show_curves(chosen)
    page.code_fold(snippets.curves(ids, over))

    page.cell(
        "All in one figure",
        "Solid lines are validation, dotted ones training; dash-dotted ones are test, of "
        "runs that measured it after every epoch, and stars the test accuracy of the weights that "
        "were kept. Training far above validation is overfitting.",
    )
    side_by_side.show_classic(chosen)
    page.code_fold(snippets.classic(ids))


def show_cost(chosen: Sequence[Chosen]) -> None:
    """Accuracy against its price."""
    page.cell(
        "What accuracy costs",
        "The dotted frontier joins the runs that no other one beats at their price. Whiskers are "
        "95 % intervals (Wilson): where they overlap widely, the order may be luck.",
    )
    side_by_side.show_cost(chosen)
    page.code_fold(snippets.cost([one.run.id for one in chosen]))
