"""Calibration: are confidences kept promises, what a temperature changes, what declining buys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.snippets import evaluation as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.results.view import View
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.calibration import Calibration, Rescaled
    from digitlab.evaluation.metrics import Evaluation


def show(view: View) -> None:
    """Reliability and temperature, then coverage."""
    page.cell(
        "Is it as good as it believes?",
        "Of all images read with a confidence of 90 %, nine in ten should be right: then the "
        "points lie on the diagonal. Below it, the network is too sure of itself. A temperature "
        "divides all logits by one number, fitted on the validation split; no answer changes.",
    )
    narrow, _ = st.columns([1, 3])
    with narrow:
        bins = url.number("Bins", param="bins", default=15, low=2, high=100)
    said, found, why = _measure(view, bins)
    _show_reliability(said, found)
    _show_scores(said, found, bins)
    if found:
        st.markdown(_verdict(found, view))
    else:
        st.info(f"No temperature can be fitted: {why}", icon=":material/thermostat:")
    page.code_fold(snippets.calibration(*view.named, bins=bins, rescaled=found is not None))
    _show_coverage(view)


def _measure(view: View, bins: int) -> tuple[Calibration, Rescaled | None, str]:
    """The calibration, what a temperature changes, or else why there is none."""
    from digitlab.evaluation.calibration import calibrate, rescale

    said = cached.of_evaluation(calibrate, view.key, view.result, bins=bins)
    try:
        validation: Evaluation = cached.evaluation(view.run, "val")
        found = cached.of_evaluation(rescale, view.key, validation, view.result, bins=bins)
    except DigitlabError as e:
        return said, None, str(e)
    return said, found, ""


def _show_reliability(said: Calibration, found: Rescaled | None) -> None:
    from digitlab.figures.calibration import confidence_histogram, reliability_diagram

    left, right = st.columns([3, 2])
    left.plotly_chart(
        reliability_diagram(said.bins, found.after.bins if found else None),
        key="reliability",
        alt="Accuracy over confidence, with the diagonal of kept promises.",
    )
    right.plotly_chart(
        confidence_histogram(said.bins),
        key="confidences",
        alt="Number of images by confidence, on a logarithmic scale.",
    )


def _show_scores(said: Calibration, found: Rescaled | None, bins: int) -> None:
    import pandas as pd

    rows = {"As it is": said}
    if found:
        rows[f"Temperature {found.temperature:.3f}"] = found.after
    table = pd.DataFrame(
        {
            "Logits": list(rows),
            "NLL (nats)": [one.loss for one in rows.values()],
            f"ECE, {bins} bins": [100 * one.ece for one in rows.values()],
            "Brier score": [one.brier for one in rows.values()],
            "Mean confidence": [100 * one.confidence for one in rows.values()],
            "Accuracy": [100 * one.accuracy for one in rows.values()],
        }
    )
    four, share = (st.column_config.NumberColumn(format=text) for text in ("%.4f", "%.2f %%"))
    config = {"NLL (nats)": four, "Brier score": four, f"ECE, {bins} bins": share}
    config |= {"Mean confidence": share, "Accuracy": share}
    st.dataframe(table, hide_index=True, column_config=config)


def _verdict(found: Rescaled, view: View) -> str:
    """What the temperature changed, whichever way it went."""
    before, after = found.before, found.after
    kind = "too sure of itself" if found.temperature > 1 else "too shy"
    loss = "falls" if after.loss < before.loss else "rises"
    ece = "falls" if after.ece < before.ece else "rises"
    text = (
        f"On the validation split the network was {kind}: a temperature of "
        f"{found.temperature:.3f} fits best there. On {view.words} the NLL {loss} from "
        f"{before.loss:.4f} to {after.loss:.4f}, and the ECE {ece} from {percent(before.ece)} to "
        f"{percent(after.ece)}."
    )
    if (loss, ece) == ("falls", "rises"):
        text += (
            " The two disagree: the ECE depends on how the bins fall, and where nearly all images "
            "lie in the last bin it says little. Trust the NLL more."
        )
    if loss == "rises":
        text += " What was fitted on validation does not carry over to these images."
    return text


def _show_coverage(view: View) -> None:
    from digitlab.evaluation.coverage import coverage_curve, decline_below
    from digitlab.figures.calibration import coverage_figure

    page.cell(
        "What if it may decline?",
        "Let the network answer only where it is confident enough, and hand the rest to a person: "
        "how many images are left to it, and how many of its answers are right?",
    )
    narrow, _ = st.columns([1, 3])
    with narrow:
        least = url.real(
            "Decline below a confidence of (%)", param="decline", default=90.0, low=0.0, high=100.0
        )
    curve = cached.of_evaluation(coverage_curve, view.key, view.result)
    said = decline_below(view.result, least / 100)
    chosen = (said.answered / view.result.n, said.accuracy) if said.answered else None
    st.plotly_chart(
        coverage_figure(curve.coverage, curve.accuracy, curve.threshold, chosen),
        key="coverage",
        alt="Accuracy of the answers over the share of images answered.",
    )
    if chosen:
        low, high = said.interval
        st.markdown(
            f"Declining below {least:g} % it answers **{percent(chosen[0])}** of the images and "
            f"**{percent(said.accuracy)}** of its answers are right (95 %, Wilson: "
            f"{percent(low)} to {percent(high)}). Of the {said.declined:,} declined images, "
            f"{said.spared:,} would have been mistakes and {said.lost:,} were read rightly."
        )
    else:
        st.markdown(f"Declining below {least:g} % it answers nothing at all.")
    st.caption(f"Mean error over all coverages: {percent(curve.area_under_risk, 3)}.")
    page.code_fold(snippets.coverage(*view.named, threshold=least / 100))
