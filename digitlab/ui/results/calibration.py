"""Calibration: confidence against accuracy, the effect of a temperature, and of abstention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.evaluation.calibration import calibrate, rescale
from digitlab.evaluation.coverage import coverage_curve, decline_below
from digitlab.snippets import evaluation as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.markdown import plain
from digitlab.ui.results.view import View
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.calibration import Calibration, Rescaled
    from digitlab.evaluation.metrics import Evaluation


def show(view: View) -> None:
    """Show reliability and temperature, then coverage."""
    page.cell(
        "Does the confidence match the accuracy?",
        "Of all images read with a confidence of 90 %, nine in ten should be right: then the "
        "points lie on the diagonal. Points below it mean overconfidence. Temperature scaling "
        "divides all logits by one number, fitted on the validation split; no answer changes.",
    )
    narrow, _ = st.columns([1, 3])
    with narrow:
        bins = url.number("Bins", param="bins", default=15, low=2, high=100)
    calibration, rescaled, problem = _measure(view, bins)
    _show_reliability(calibration, rescaled)
    _show_scores(calibration, rescaled, bins)
    if rescaled:
        st.markdown(_describe_rescaling(rescaled, view))
    else:
        text = f"No temperature can be fitted: {problem}"
        page.show_error(text, st.info, ":material/thermostat:")
    page.code_fold(
        snippets.calibration(*view.snippet_args, bins=bins, rescaled=rescaled is not None)
    )
    _show_coverage(view)


def _measure(view: View, bins: int) -> tuple[Calibration, Rescaled | None, str]:
    """The calibration before and after temperature scaling, or why there is no temperature."""
    calibration = cached.of_evaluation(calibrate, view.key, view.result, bins=bins)
    try:
        validation: Evaluation = cached.evaluation(view.run, "val")
        rescaled = cached.of_evaluation(rescale, view.key, validation, view.result, bins=bins)
    except DigitlabError as e:
        return calibration, None, str(e)
    return calibration, rescaled, ""


def _show_reliability(calibration: Calibration, rescaled: Rescaled | None) -> None:
    from digitlab.figures.calibration import confidence_histogram, reliability_diagram

    left, right = st.columns([3, 2])
    with left:
        show_chart(
            reliability_diagram(calibration.bins, rescaled.after.bins if rescaled else None),
            key="reliability",
            alt="Accuracy against confidence, with the diagonal of perfect calibration.",
        )
    with right:
        show_chart(
            confidence_histogram(calibration.bins),
            key="confidences",
            alt="Number of images by confidence, on a logarithmic scale.",
        )


def _show_scores(calibration: Calibration, rescaled: Rescaled | None, bins: int) -> None:
    import pandas as pd

    rows = {"Without temperature": calibration}
    if rescaled:
        rows[f"Temperature {rescaled.temperature:.3f}"] = rescaled.after
    table = pd.DataFrame(
        {
            "Logits": list(rows),
            "NLL (nats)": [row.loss for row in rows.values()],
            f"ECE, {bins} bins": [100 * row.ece for row in rows.values()],
            "Brier score": [row.brier for row in rows.values()],
            "Mean confidence": [100 * row.confidence for row in rows.values()],
            "Accuracy": [100 * row.accuracy for row in rows.values()],
        }
    )
    four, share = (st.column_config.NumberColumn(format=text) for text in ("%.4f", "%.2f %%"))
    config = {"NLL (nats)": four, "Brier score": four, f"ECE, {bins} bins": share}
    config |= {"Mean confidence": share, "Accuracy": share}
    st.dataframe(table, hide_index=True, column_config=config)


def _describe_rescaling(rescaled: Rescaled, view: View) -> str:
    """What the temperature changed, for better or worse."""
    before, after = rescaled.before, rescaled.after
    kind = "overconfident" if rescaled.temperature > 1 else "underconfident"
    loss = "falls" if after.loss < before.loss else "rises"
    ece = "falls" if after.ece < before.ece else "rises"
    text = (
        f"On the validation split the network was {kind}: a temperature of "
        f"{rescaled.temperature:.3f} fits best there. On {plain(view.description)} the NLL {loss} "
        f"from {before.loss:.4f} to {after.loss:.4f}, and the ECE {ece} from {percent(before.ece)} "
        f"to {percent(after.ece)}."
    )
    if (loss, ece) == ("falls", "rises"):
        text += (
            " The two disagree: the ECE depends on the bins, and says little if nearly all images "
            "are in the last bin. The NLL is more reliable here."
        )
    if loss == "rises":
        text += " The temperature fitted on the validation split does not help on these images."
    return text


def _show_coverage(view: View) -> None:
    from digitlab.figures.calibration import coverage_figure

    page.cell(
        "Abstention",
        "The network answers only if it is confident enough, and declines the rest, which a person "
        "may read. How many images does it answer, and how many of its answers are right?",
    )
    narrow, _ = st.columns([1, 3])
    with narrow:
        threshold = url.real(
            "Decline below a confidence of (%)", param="decline", default=90.0, low=0.0, high=100.0
        )
    curve = cached.of_evaluation(coverage_curve, view.key, view.result)
    abstention = decline_below(view.result, threshold / 100)
    coverage = abstention.answered / view.result.n
    point = (coverage, abstention.accuracy) if abstention.answered else None
    show_chart(
        coverage_figure(curve.coverage, curve.accuracy, curve.threshold, point),
        key="coverage",
        alt="Accuracy of the answers against the share of images answered.",
    )
    if point:
        low, high = abstention.interval
        st.markdown(
            f"At a threshold of {threshold:g} % it answers **{percent(coverage)}** of the images, "
            f"and **{percent(abstention.accuracy)}** of its answers are right (95 %, Wilson: "
            f"{percent(low)} to {percent(high)}). Of the {abstention.declined:,} declined images, "
            f"{abstention.spared:,} would have been mistakes and {abstention.lost:,} right."
        )
    else:
        st.markdown(f"At a threshold of {threshold:g} % it declines every image.")
    st.caption(f"Mean error over all coverages: {percent(curve.area_under_risk, 3)}.")
    page.code_fold(snippets.coverage(*view.snippet_args, threshold=threshold / 100))
