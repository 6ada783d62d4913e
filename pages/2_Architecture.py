"""Architecture: put a network together, see its shapes and its cost."""

import streamlit as st

from digitlab.models.load import known_recipe
from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.architecture import check, choose, compare, cost, library, send, state, views
from digitlab.ui.exports import offer_spec

with page.page(
    page.ARCHITECTURE,
    "Architecture",
    "A network is a list of layers, each of which changes the shape of what passes through. Start "
    "from a known one, change it, and see at once whether its shapes fit.",
):
    start = choose.pick_start()
    about = st.container()
    spec = state.open_architecture(start)
    with about:
        choose.show_published(start, changed=state.is_changed())
    summary, error = check.summarize(spec)

    drawn, remark = check.to_draw(spec, summary, error)
    wide = drawn is not None and choose.has_branches(drawn)
    left, right = views.columns(wide)
    with left:
        page.cell(
            "The layers",
            "Names and arguments are PyTorch's own; sizes that follow from the layer before are "
            "left out. At each row's end: the shape that leaves the layer, and its parameters.",
        )
        if error:
            check.show_broken(spec, error)
        fits = summary is not None and check.check_output(spec)
        views.edit(spec, summary, error, form=right if wide else None)
        with st.container(horizontal=True):
            send.send_to_train(spec, start, fits=fits)
            library.keep(spec)
    with st.container() if wide else right:
        page.cell("Diagram", "Colours tell kinds of layers; each box says what leaves it.")
        if remark:
            st.caption(remark)
        if drawn:
            views.show_diagram(drawn, wide=wide)
    if summary is None:
        st.stop()

    page.cell(
        "Shapes and cost",
        "Most parameters sit where a large flat layer begins; most work is done by convolutions.",
    )
    cost.show_totals(summary)
    if summary.trainable and fits:
        cost.show_speed(spec)
    cost.show_table(summary)
    page.code_fold(basics.architecture(spec.to_yaml()), "This table in Python")
    offer_spec(spec, known_recipe(start))

    page.cell(
        "Side by side",
        "A second architecture shows what a change costs: parameters and work are not the same.",
    )
    compare.show_beside(summary)
