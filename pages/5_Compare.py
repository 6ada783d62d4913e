"""Compare: several runs side by side, and whether their differences are real."""

import streamlit as st

from digitlab.notebook import comparison as snippets
from digitlab.ui import page, pair, side_by_side
from digitlab.ui.compare import choose_runs, warn_of_differences

with page.page(
    page.COMPARE,
    "Compare",
    "Several runs side by side: what differs in how they were made, what differs in what they do, "
    "and whether that is more than luck.",
):
    page.cell("Which runs?", "Tick 2 to 20. A column's head sorts the table by it.")
    chosen = choose_runs()
    if len(chosen) < 2:
        st.stop()
    ids = [one.run.id for one in chosen]
    warn_of_differences(chosen)

    page.cell(
        "What differs in how they were made?",
        "Only the settings that are not the same for all. With one setting changed at a time, a "
        "difference in the results has one suspect.",
    )
    side_by_side.show_settings(chosen)
    page.code_fold(snippets.settings(ids))

    page.cell(
        "How they learnt",
        "By epochs, runs have seen equally many images; by steps, had equally many updates; by "
        "seconds, cost equally much.",
    )
    over = side_by_side.show_curves(chosen)
    page.code_fold(snippets.curves(ids, over))

    page.cell(
        "All in one figure",
        "Solid lines are validation, dotted ones training, stars the test accuracy of the weights "
        "that were kept. Training far above validation is overfitting.",
    )
    side_by_side.show_classic(chosen)
    page.code_fold(snippets.classic(ids))

    page.cell(
        "What accuracy costs",
        "The dotted frontier joins the runs that no other one beats at their price. Whiskers are "
        "95 % intervals (Wilson): where they overlap widely, the order may be luck.",
    )
    side_by_side.show_cost(chosen)
    page.code_fold(snippets.cost(ids))

    page.cell("Is the difference real?", "Choose two of the runs: what changes from A to B?")
    a, b = pair.pick_pair(chosen)
    compared = pair.show_verdict(a, b, len(chosen))
    if compared:
        page.code_fold(snippets.difference(a.run.id, b.run.id))

    page.cell(
        "The luck of the seed",
        "The same configuration trained with other seeds: how far its accuracy spreads says how "
        "much of a difference between two runs a seed alone can make.",
    )
    families = side_by_side.show_seeds(chosen)
    if families:
        page.code_fold(snippets.seeds(families))

    if compared:
        page.cell(
            "Which classes gained, which lost?",
            "Recall: of the images of this class, how many were found. F1 also counts what was "
            f"wrongly taken for it. Points right of 0 are better than {a.name}.",
        )
        metric = pair.show_classes(chosen, a)
        page.code_fold(snippets.classes(a.run.id, b.run.id, metric))

        page.cell(
            "What is confused less, what more?",
            f"{b.name} minus {a.name}, in images. Blue is better: more hits on the diagonal, fewer "
            "mistakes off it. Orange is worse.",
        )
        pair.show_confusion(a, b)
        page.code_fold(snippets.confusion(a.run.id, b.run.id))

        page.cell(
            "The images behind it",
            "What all runs miss is often hard, or labelled wrongly, rather than a fault of one.",
        )
        pair.show_images(chosen, a, b, compared)
        page.code_fold(snippets.images(ids, a.run.id, b.run.id))

    page.cell("The two architectures", "Boxes say what leaves them; sizes are inferred.")
    pair.show_architectures(a, b)
    page.code_fold(snippets.architectures(a.run.id, b.run.id))
