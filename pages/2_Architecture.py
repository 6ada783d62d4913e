"""Architecture: put a network together, see its shapes and its cost."""

import streamlit as st

from digitlab.figures.architecture import architecture_dot
from digitlab.notebook import snippets
from digitlab.ui import architect, cached, page

with page.page(
    page.ARCHITECTURE,
    "Architecture",
    "A network is a list of layers, each of which changes the shape of what passes through. Start "
    "from a known one, change it, and see at once whether its shapes fit.",
):
    preset = architect.pick_preset()
    architect.show_published(preset)
    left, right = st.columns([1, 1], gap="large")
    with left:
        page.cell(
            "The layers",
            "Names and arguments are PyTorch's own; sizes that follow from the layer before are "
            "left out.",
        )
        spec = architect.edit(preset)
        st.button(
            "Undo all changes", on_click=architect.reset, args=(preset,), icon=":material/undo:"
        )
        architect.paste()
    if spec is None:
        st.stop()
    summary = cached.summarize(spec)
    with left:
        fits = architect.check_output(spec)
    with right:
        page.cell("Diagram", "Colours tell kinds of layers; each box says what leaves it.")
        st.graphviz_chart(architecture_dot(summary), alt=f"Diagram of {spec.name}.")

    page.cell(
        "Shapes and cost",
        "Most parameters sit where a large flat layer begins; most work is done by convolutions.",
    )
    architect.show_totals(summary)
    architect.show_table(spec, summary)
    page.code_fold(snippets.architecture(spec.to_yaml()))

    with st.container(horizontal=True):
        architect.send_to_train(spec, preset, fits=fits)
        architect.offer_python(spec, preset)
