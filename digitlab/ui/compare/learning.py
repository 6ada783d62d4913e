"""Learning curves of all runs, all accuracies in one figure, and accuracy against cost."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.snippets import comparison as snippets
from digitlab.ui import page
from digitlab.ui.compare import side_by_side
from digitlab.ui.compare.choose import ComparedRun


def show(runs: Sequence[ComparedRun]) -> None:
    """Show the curves, and all accuracies in one figure."""
    ids = [run.id for run in runs]
    page.cell(
        "Learning curves",
        "At the same epoch, runs have seen the same number of images; at the same step, had the "
        "same number of updates; at the same second, taken the same time.",
    )
    over = side_by_side.show_curves(runs)
    page.code_fold(snippets.curves(ids, over))

    page.cell(
        "All accuracies in one figure",
        "Solid lines are validation accuracy, dotted lines training accuracy, dash-dotted lines "
        "test accuracy if it was measured after every epoch. Stars are the test accuracy of the "
        "saved weights. Training accuracy far above validation accuracy means overfitting.",
    )
    side_by_side.show_classic(runs)
    page.code_fold(snippets.classic(ids))


def show_cost(runs: Sequence[ComparedRun]) -> None:
    """Show accuracy against its cost."""
    page.cell(
        "Accuracy against cost",
        "The dotted line is the Pareto frontier: no other run is more accurate at the same or a "
        "lower cost. Whiskers are 95 % Wilson intervals: if they overlap widely, the order may be "
        "chance.",
    )
    side_by_side.show_cost(runs)
    page.code_fold(snippets.cost([run.id for run in runs]))
