"""The cells of the Architecture page: an editor with errors beside their lines, table, diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.presets import Preset, list_presets, load_preset
from digitlab.models.spec import ModelSpec
from digitlab.models.text import line_of
from digitlab.ui import cached, page, url
from digitlab.ui.model_picker import DEFAULT, OWN, own_spec, remember_own
from digitlab.ui.words import size

if TYPE_CHECKING:
    from digitlab.models.build import ModelSummary

CLASSES = 10  # of every dataset in the catalog
_TEXT = "architecture-text"
_PASTED = "pasted-code"
_PROBLEM = "pasted-problem"
# Indentation carries meaning in YAML; Streamlit has no editor with a fixed pitch of its own.
_MONOSPACE = (
    f"<style>.st-key-{_TEXT} textarea "
    "{font-family: monospace; white-space: pre; overflow-x: auto}</style>"
)
_AROUND = 2  # lines shown before and after the one with an error


def pick_preset() -> Preset:
    """The preset to start from; another one replaces the text in the editor."""
    options = {preset.name: preset.title for preset in list_presets()}
    name = url.choose("Start from", options, param="preset", default=DEFAULT, always=True)
    preset = load_preset(name)
    if st.session_state.get("architecture-of") != name:
        if "architecture-of" in st.session_state:
            url.drop("spec")
        st.session_state["architecture-of"] = name
        own = own_spec()
        st.session_state[_TEXT] = (own or preset.spec).to_yaml()
    return preset


def edit(preset: Preset) -> ModelSpec | None:
    """The editor; returns the architecture where its text makes one that can be built."""
    st.text_area(
        "Architecture in YAML",
        key=_TEXT,
        height=360,
        persist_state="session",
        help="A layer is a torch.nn class with its arguments; input sizes are inferred.",
    )
    st.html(_MONOSPACE)
    st.caption("Ctrl+Enter (⌘+Enter) applies what you wrote.")
    text = st.session_state[_TEXT]
    spec = None
    try:
        spec = ModelSpec.from_yaml(text)
        cached.summarize(spec)
    except SpecError as e:
        _show_error(e, text)
        if spec is not None:
            _offer_repair(spec, e)
        return None
    if spec == preset.spec:
        url.drop("spec")
    else:
        remember_own(spec)
    return spec


def reset(preset: Preset) -> None:
    """Throw the changes away."""
    st.session_state[_TEXT] = preset.spec.to_yaml()
    url.drop("spec")


def paste() -> None:
    """A fold that turns pasted PyTorch or Keras code into layers; it is read, never run."""
    with st.expander("Paste PyTorch or Keras code", icon=":material/content_paste:"):
        st.text_area(
            "A Sequential of PyTorch or Keras, or what print(model) shows",
            key=_PASTED,
            height=160,
            placeholder="nn.Sequential(nn.Flatten(), nn.Linear(784, 10))",
        )
        st.button("Turn into layers", on_click=_take_pasted)
        problem = st.session_state.pop(_PROBLEM, None)
        if problem:
            st.error(problem, icon=":material/error:")


def _take_pasted() -> None:
    from digitlab.models.paste import read_pasted

    try:
        st.session_state[_TEXT] = read_pasted(st.session_state[_PASTED]).to_yaml()
    except SpecError as e:
        st.session_state[_PROBLEM] = str(e)


def _offer_repair(spec: ModelSpec, error: SpecError) -> None:
    """A button with the repair that gets the architecture further, where one is known."""
    from digitlab.models.repair import suggest_fix

    found = suggest_fix(spec, error, classes=CLASSES)
    if found:
        label, repaired = found
        st.button(label, on_click=_replace, args=(repaired.to_yaml(),), icon=":material/build:")


def _replace(text: str) -> None:
    st.session_state[_TEXT] = text


def _show_error(error: SpecError, text: str) -> None:
    """The sentence, right under the line that it is about."""
    line = error.line or (line_of(text, error.path) if error.path else None)
    lines = text.splitlines()
    if line is None or line > len(lines):
        st.error(str(error), icon=":material/error:")
        return
    first = max(0, line - 1 - _AROUND)
    numbered = [f"{i + 1:>4}  {content}" for i, content in enumerate(lines)]
    said = str(error)
    where = "" if said.startswith("Line ") else f"**Line {line}:** "
    st.error(where + said, icon=":material/error:")
    shown = numbered[first:line]
    shown[-1] = "→" + shown[-1][1:]
    st.code("\n".join([*shown, *numbered[line : line + _AROUND]]), language="yaml")


def show_table(spec: ModelSpec, summary: ModelSummary) -> None:
    """Layer, output shape, parameters and share of the total."""
    import pandas as pd

    rows = [
        (
            "\u2003" * row.depth + row.label,
            row.arguments,
            "×".join(map(str, row.output_shape)),
            row.parameters,
            100 * row.share,
            _field(row.receptive_field),
        )
        for row in summary.rows
    ]
    st.dataframe(
        pd.DataFrame(
            rows, columns=("Layer", "Arguments", "Output shape", "Parameters", "Share", "Sees")
        ),
        hide_index=True,
        height="content",
        column_config={
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "Sees": st.column_config.TextColumn(
                help="Receptive field: pixels of the image that one value depends on."
            ),
            "Share": st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100),
        },
    )


def _field(seen: tuple[int, int] | None) -> str:
    return "" if seen is None else "×".join(map(str, seen))


def offer_python(spec: ModelSpec, preset: Preset) -> None:
    """The network and its recipe as a Python file that needs only torch and torchvision."""
    from digitlab.notebook.pytorch import standalone

    st.download_button(
        "Download as PyTorch code",
        standalone(spec, dict(preset.recipe)),
        file_name="network.py",
        mime="text/x-python",
        icon=":material/download:",
        help="The nn.Module and the recipe that trains it, without digitlab.",
    )


def show_totals(summary: ModelSummary) -> None:
    """What the network costs."""
    columns = st.columns(4)
    columns[0].metric("Parameters", f"{summary.parameters:,}")
    columns[1].metric("Weights", size(summary.weight_bytes))
    columns[2].metric("Multiply-adds per image", f"{summary.operations:,}")
    columns[3].metric("Output", "×".join(map(str, summary.output_shape)))
    for note in summary.notes:
        st.info(note, icon=":material/lightbulb:")


def show_published(preset: Preset) -> None:
    """What is known of the preset."""
    st.markdown(preset.about)
    if preset.published:
        figures = ", ".join(
            f"{name.replace('_', ' ')} {value} %" for name, value in preset.published.items()
        )
        st.caption(f"Published: {figures}. Source: {preset.source}")


def send_to_train(spec: ModelSpec, preset: Preset, *, fits: bool) -> None:
    """A button that opens the Train page with this architecture."""
    if not st.button(
        "Train this network",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not fits,
        help=None if fits else "Mend the output first.",
    ):
        return
    own = spec != preset.spec
    url.put("model", OWN if own else preset.name)
    carried = ("model", "preset", "spec", "dataset") if own else ("model", "dataset")
    params = {name: url.get(name) for name in carried if url.get(name)}
    st.switch_page(page.TRAIN, query_params=params)


def check_output(spec: ModelSpec) -> bool:
    """Whether the network tells ten classes apart; where it does not, a warning and a repair."""
    from digitlab.models.build import check_fits

    try:
        check_fits(spec, spec.input, CLASSES)
    except SpecError as e:
        st.warning(str(e), icon=":material/warning:")
        _offer_repair(spec, e)
        return False
    return True
