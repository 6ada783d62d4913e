"""Architecture: build a network, and see its shapes and its cost."""

import streamlit as st

from digitlab.models.load import known_recipe
from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.architecture import (
    bring,
    check,
    choose,
    compare,
    cost,
    library,
    paste,
    send,
    state,
    views,
)
from digitlab.ui.exports import offer_spec

with page.page(
    page.ARCHITECTURE,
    "Architecture",
    "A network is layers, and each layer changes the shape of its input. Start from a known "
    "architecture, change it, or paste code, and see at once whether the shapes fit.",
):
    with st.container(horizontal=True, vertical_alignment="bottom", key="subject"):
        start = choose.pick_start()
        actions = st.container(horizontal=True, width="content")
    published = st.container()
    spec = state.open_architecture(start)
    summary, error = check.summarize(spec)

    if views.shows_other():  # the page's network is not the one in the pasted text
        page.cell("The layers", "Paste a model, and it becomes layers.")
        views.show_view(spec, summary, error)
        paste.say_what_is_open(spec)
        with actions:
            needed = "Turn the text into layers first."
            send.send_to_train(spec, start, can_train=False, needed=needed)
        st.stop()

    with published:
        choose.show_published(start, changed=state.is_changed(), pasted=bool(state.began_as()))
    diagram, remark = check.choose_diagram(spec, summary, error)
    wide = diagram is not None and choose.has_branches(diagram)
    left, right = views.columns(wide)
    with st.container() if wide else right:  # first: a browser loads long what draws it
        page.cell("Diagram", "Colours show the kind of layer. Each box shows its output shape.")
        if remark:
            st.caption(remark)
        if diagram:
            views.show_diagram(spec, diagram)
    with left:
        page.cell(
            "The layers",
            "Names and arguments are those of PyTorch; input sizes are inferred. Each row ends "
            "with the layer's output shape and its number of parameters.",
        )
        views.name_it(spec)
        if error:
            check.show_spec_error(spec, error)
        can_train = summary is not None and check.check_output(spec, summary)
        views.show_view(spec, summary, error, form=right if wide else None)
    with actions:
        send.send_to_train(spec, start, can_train=can_train)
        library.show_menus(spec)
    if summary is None:
        bring.show(spec)
        st.stop()

    page.cell(
        "Shapes and cost",
        "Usually the first linear layer has most of the parameters, and convolutions do most of "
        "the multiply-adds.",
    )
    cost.show_totals(summary)
    if summary.trainable and can_train:
        cost.show_speed(spec)
    cost.show_table(summary)
    page.code_fold(basics.architecture(spec.to_yaml()), "This table in Python")
    offer_spec(spec, known_recipe(start))

    page.cell(
        "Side by side",
        "Add a second architecture to see what a change costs. More parameters do not always mean "
        "more multiply-adds.",
    )
    compare.show_comparison(summary)
    bring.show(spec)
