"""Bringing a network that was trained elsewhere: a file becomes a run, after a look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.registry import default_dataset, is_available, list_datasets
from digitlab.errors import DigitlabError
from digitlab.jobs.compute import requests
from digitlab.jobs.message import DataKey
from digitlab.models.placement import written
from digitlab.snippets import export
from digitlab.ui import page
from digitlab.ui.architecture import state
from digitlab.ui.compute import compute
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.words import percent

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from digitlab.imports.match import Fit
    from digitlab.jobs.message import NetworkPreview
    from digitlab.models.spec import ModelSpec

ENDINGS = ("pt", "pth", "ckpt", "safetensors", "onnx", "keras", "h5", "hdf5")
_FILE = "bring-file"
_PARTIAL = "bring-partial"
_READ = "bring:read"  # what was last read: a key of file, architecture, dataset; and the result
_DONE = "bring:done"  # name and id of the run that was imported
_HOW = {
    "name": "same name",
    "similar name": "similar name",
    "order": "shape and order",
    "missing": "not in the file",
    "unused": "not in the network",
    "other shape": "another shape",
}


def show(spec: ModelSpec) -> None:
    """An uploader for trained networks; weights without an architecture are fitted to `spec`."""
    page.cell(
        "Bring a trained network",
        "A network that was trained elsewhere becomes a run here: measured, compared, drawn at and "
        "trained further like every other. Nothing in its file is executed.",
    )
    _show_done()
    left, right = st.columns([2, 1])
    file = left.file_uploader(
        "ONNX, Keras, or the weights of PyTorch",
        type=list(ENDINGS),
        key=_FILE,
        help="ONNX and Keras files (.onnx, .keras, .h5) bring their architecture. A state dict "
        "(.pt, .pth, .safetensors) holds weights alone: they are fitted to the architecture on "
        "this page.",
    )
    names = [info.name for info in list_datasets() if is_available(info.name)]
    titles = {info.name: info.title for info in list_datasets()}
    dataset = right.selectbox(
        "Dataset",
        names,
        index=names.index(default_dataset()),
        format_func=lambda name: titles[name],
        key="bring-dataset",
        help="The dataset whose classes the network tells apart, in the dataset's order.",
    )
    if file:
        _show_file(file, spec, dataset)
    page.code_fold(export.import_network(file.name if file else "network.onnx", dataset))


def _show_done() -> None:
    if done := st.session_state.pop(_DONE, None):
        name, run_id, accuracy = done
        st.success(
            f"{plain(name)} was imported as run {run_id}: it reads {accuracy} of the test images.",
            icon=":material/check_circle:",
        )
        with st.container(horizontal=True):
            links = ((page.RESULTS, "Results"), (page.DRAW, "Draw"), (page.COMPARE, "Compare"))
            for target, label in links:
                param = "runs" if target == page.COMPARE else "run"
                st.page_link(target, label=f"Open in {label}", query_params={param: run_id})


def _show_file(file: UploadedFile, spec: ModelSpec, dataset: str) -> None:
    partial = bool(st.session_state.get(_PARTIAL))
    key = (file.file_id, spec, dataset, partial)
    if st.session_state.get(_READ, (None,))[0] != key:
        with st.spinner("Opening the file and trying how it wants its images…"):
            st.session_state[_READ] = (key, _read(file, spec, dataset, partial))
    result = st.session_state[_READ][1]
    if isinstance(result, DigitlabError):
        _show_refusal(result)
        return
    for note in result.notes:
        st.caption(plain(note))
    if result.fit:
        with st.expander(f"Weights: {plain(result.fit.describe())}", icon=":material/join:"):
            _show_fit(result.fit)
    _offer(result, (file.getvalue(), file.name, spec, DataKey(dataset), partial))


def _read(
    file: UploadedFile, spec: ModelSpec, dataset: str, partial: bool
) -> NetworkPreview | DigitlabError:
    """The network in the file and how it may be fed, or why it cannot be imported."""
    try:
        return compute(
            requests.preview_network, file.getvalue(), file.name, spec, DataKey(dataset), partial
        )
    except DigitlabError as e:
        return e


def _show_refusal(error: DigitlabError) -> None:
    page.show_error(error)
    fit, suggestion = getattr(error, "fit", None), getattr(error, "suggestion", None)
    if fit:
        _show_fit(fit)
        if fit.sources:
            st.checkbox(
                "Import what fits",
                key=_PARTIAL,
                help="What the file does not have begins with initial weights, untrained.",
            )
    if suggestion:
        layers = ", ".join(layer.type for layer in suggestion.layers)
        st.info(
            f"By the shapes of its weights, the file may be of this network: {layers}. What has no "
            "weights (activations, pooling) is a guess.",
            icon=":material/lightbulb:",
        )
        st.button(
            "Put the guessed layers on this page",
            on_click=state.commit,
            args=(suggestion,),
            icon=":material/build:",
        )


def _show_fit(fit: Fit) -> None:
    """What each tensor of the network fits, those that do not fit first."""
    rows = [
        {
            "Network": row.key,
            "Shape": "" if row.shape is None else written(row.shape),
            "File": row.source,
            "Shape in the file": "" if row.source_shape is None else written(row.source_shape),
            "Fits by": _HOW[row.how] if row.fits else f"does not fit: {_HOW[row.how]}",
        }
        for row in sorted(fit.rows, key=lambda row: row.fits)
    ]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 320))


def _offer(preview: NetworkPreview, source: tuple[Any, ...]) -> None:
    """The ways to feed the network, and the button that imports it from its `source`."""
    forms = preview.forms
    st.markdown(
        f"**{plain(preview.spec.name)}**, {plain(preview.title)}: {len(preview.spec.layers)} "
        f"layers, {preview.parameters:,} parameters. SHA-256 `{preview.digest[:12]}…`"
    )
    dataset = source[3].name
    chosen = st.selectbox(
        "Images as",
        range(len(forms)),
        format_func=lambda i: (
            f"{forms[i].described}: {percent(forms[i].accuracy)} "
            f"of {forms[i].images:,} training images read right"
        ),
        key=f"bring-form:{preview.digest[:12]}:{dataset}",  # options are of a file and a dataset
        help=f"How its author scaled the pixels. {preview.explanation}",
    )
    for doubt in preview.doubts:
        st.warning(plain(doubt), icon=":material/warning:")
    name = st.text_input(
        "Name of the run", value=preview.spec.name, max_chars=120, key="bring-name"
    )
    with st.container(horizontal=True):
        if st.button("Import", type="primary", icon=":material/check:", key="bring-import"):
            _import(source, chosen, name)
        st.button(
            "Show its layers",
            on_click=state.commit,
            args=(preview.spec,),
            icon=":material/account_tree:",
            help="Replaces the layers on this page, which can be undone.",
        )


def _import(source: tuple[Any, ...], chosen: int, name: str) -> None:
    try:
        record = compute(requests.import_network, *source, chosen, name)
    except DigitlabError as e:
        page.show_error(e)
        return
    st.session_state[_DONE] = (run_title(record), record.id, percent(record.test_accuracy))
    st.rerun()
