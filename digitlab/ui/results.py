"""The cells of the Results page: figures of a run, its confusion matrix and its mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DatasetError
from digitlab.ui import cached, url
from digitlab.ui.words import duration, hundred, percent

if TYPE_CHECKING:
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.run import Run

PER_PAGE = 48
ALL = "all"
MODES = {"counts": "Counts", "row-shares": "Shares by row", "errors": "Errors only"}


def show_summary(run: Run, result: Evaluation) -> None:
    """Accuracy with its interval, loss, size and time."""
    low, high = result.accuracy_interval
    columns = st.columns(4)
    columns[0].metric(
        "Accuracy",
        percent(result.accuracy),
        f"95 %: {100 * low:.2f} to {percent(high)}",
        delta_arrow="off",
        delta_color="off",
    )
    columns[1].metric(
        "Loss", f"{result.loss:.4f}", "cross-entropy, nats", delta_arrow="off", delta_color="off"
    )
    columns[2].metric(
        "Mistakes",
        f"{len(result.errors):,}",
        f"of {result.n:,} images",
        delta_arrow="off",
        delta_color="off",
    )
    columns[3].metric(
        "Parameters",
        f"{run.record.parameters:,}",
        f"trained in {duration(run.record.train_seconds)}",
        delta_arrow="off",
        delta_color="off",
    )


def show_confusion(run: Run, result: Evaluation) -> str:
    """The matrix, a click on a cell of which shows its images below; the way it is shown."""
    from digitlab.figures.evaluation import confusion_matrix

    mode = url.choose("Show", MODES, param="matrix", default="counts", widget=st.segmented_control)
    key = f"confusion:{run.id}:{mode}"
    st.plotly_chart(
        confusion_matrix(result.confusion, run.classes, mode=mode),
        key=key,
        on_select=lambda: _take_cell(key),
        selection_mode="points",
        alt="Confusion matrix: rows are true classes, columns what the network read.",
    )
    pairs = result.most_confused(3)
    if pairs:
        names = run.classes
        text = "; ".join(
            f"{names[pair.true]} read as {names[pair.predicted]} ({pair.count:,})" for pair in pairs
        )
        st.markdown(f"Most often confused: {text}.")
    _say_selection(run, result)
    return mode


def _say_selection(run: Run, result: Evaluation) -> None:
    """What a click on the matrix has chosen, where the eye is after clicking."""
    true, read = (_label(url.get(param) or ALL, run) for param in ("true", "read"))
    if true is None or read is None:
        st.caption("Click a cell to see its mistakes below.")
    elif true == read:
        st.markdown(f"**{run.classes[true]} read as {run.classes[read]}**: these are right.")
    else:
        count = int(result.confusion[true, read])
        st.markdown(
            f"**{run.classes[true]} read as {run.classes[read]}**: {count:,} "
            f"mistake{'' if count == 1 else 's'}, shown below."
        )


def _take_cell(key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        data = points[0]["customdata"]
        true, predicted = list(data.values() if isinstance(data, dict) else data)[:2]
        url.put("true", int(true))
        url.put("read", int(predicted))


def show_classes(result: Evaluation) -> None:
    """Precision, recall, F1 and support, as a chart and as a table."""
    import pandas as pd

    from digitlab.figures.evaluation import per_class_metrics

    st.plotly_chart(per_class_metrics(result.per_class), key="per-class")
    columns = ("Class", "Precision", "Recall", "F1", "Support")
    rows = [
        (row.name, hundred(row.precision), hundred(row.recall), hundred(row.f1), row.support)
        for row in result.per_class
    ]
    number = st.column_config.NumberColumn(format="%.2f %%")
    st.dataframe(
        pd.DataFrame(rows, columns=columns),
        hide_index=True,
        column_config={"Precision": number, "Recall": number, "F1": number},
    )


def show_mistakes(run: Run, result: Evaluation, split: str) -> tuple[int | None, int | None]:
    """The mistakes as images, most confident first; the true and the read class chosen."""
    names = {ALL: "any", **{str(i): name for i, name in enumerate(run.classes)}}
    columns = st.columns(3)
    with columns[0]:
        true = url.choose("True class", names, param="true", default=ALL)
    with columns[1]:
        read = url.choose("Read as", names, param="read", default=ALL)
    pair = _label(true, run), _label(read, run)
    chosen = result.errors.where(true=pair[0], predicted=pair[1])
    url.reset_on_change("mistakes", (run.id, split, true, read), ("mistakes",))
    with columns[2]:
        pages = max(1, -(-len(chosen) // PER_PAGE))
        number = url.number(f"Page (of {pages:,})", param="mistakes", default=1, low=1, high=pages)
    if not len(chosen):
        st.info("No mistakes of this kind.", icon=":material/thumb_up:")
        return pair
    shown = chosen[(number - 1) * PER_PAGE : number * PER_PAGE]
    st.markdown(f"{len(chosen):,} mistakes, the most confident first.")
    _show_images(run, shown, split)
    return pair


def _label(choice: str, run: Run) -> int | None:
    """A class by its number, None for all and for what is no class."""
    known = choice.isdecimal() and int(choice) < len(run.classes)
    return int(choice) if known else None


def _show_images(run: Run, shown: object, split: str) -> None:
    from digitlab.figures.images import image_grid

    data = run.record.data
    try:
        loaded = cached.dataset(run.record.dataset, data["val_fraction"], data["split_seed"])
        run.check_data(loaded)
    except DatasetError as e:
        st.info(f"The images cannot be shown: {e}", icon=":material/image_not_supported:")
        _show_as_table(run, shown)
        return
    images = loaded.split(split).images[shown.position].numpy()
    names = run.classes
    captions = [f"{names[m.true][:6]} → {names[m.predicted][:6]}" for m in shown]
    hovers = [
        f"number {m.position:,}: labelled {names[m.true]}, read as {names[m.predicted]} with "
        f"{percent(m.confidence, 1)}"
        for m in shown
    ]
    confidence = [
        f"{caption}<br>{percent(m.confidence, 0)}"
        for caption, m in zip(captions, shown, strict=True)
    ]
    st.plotly_chart(
        image_grid(images, captions=confidence, hovers=hovers, columns=8, tile=60),
        key=f"mistakes:{run.id}",
        config={"displayModeBar": False},
        alt="Images that the network misread, with true class, answer and confidence.",
    )


def _show_as_table(run: Run, shown: object) -> None:
    import pandas as pd

    names = run.classes
    rows = [(m.position, names[m.true], names[m.predicted], 100 * m.confidence) for m in shown]
    st.dataframe(
        pd.DataFrame(rows, columns=("Number", "True class", "Read as", "Confidence")),
        hide_index=True,
        column_config={"Confidence": st.column_config.NumberColumn(format="%.1f %%")},
    )
