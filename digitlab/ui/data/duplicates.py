"""Near-duplicates within and between the splits: what a split leaks into another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.duplicates import KINDS, NEAR, find_duplicates
from digitlab.data.info import SPLITS
from digitlab.snippets import data_lab as snippets
from digitlab.ui import page, url
from digitlab.ui.data.browse import browse
from digitlab.ui.data.gallery import Tile, describe
from digitlab.ui.data.work import result_of
from digitlab.ui.labels import SPLIT_NAMES
from digitlab.words import counted, percent, shorten

if TYPE_CHECKING:
    from digitlab.analysis.duplicates import Duplicates
    from digitlab.data.dataset import Dataset

ALL = "all"
WORDS = {
    "same": "the same pixels",
    "shifted": "the same, shifted",
    "near": f"nearly the same (less than {percent(NEAR, 0)} differs)",
}


def show(data: Dataset, split: str) -> None:
    """Show what each split shares with the others, and the pairs side by side."""
    page.cell(
        "Near-duplicates, and what a split leaks",
        "A test image that is also in the training split tests what was memorized, not what was "
        "learnt: the accuracy looks better than it is. Copies within the training split only "
        "count twice. All splits are compared, whichever is chosen above.",
    )
    duplicates = result_of(find_duplicates, data)
    if duplicates is not None:
        st.markdown(_leak_sentence(duplicates))
        if len(duplicates):
            _show_table(data, duplicates)
            _show_pairs(data, duplicates)
    page.code_fold(snippets.duplicates(data.name))


def _leak_sentence(duplicates: Duplicates) -> str:
    """How many test images are in the training or validation split, too."""
    leaks, tests = duplicates.leaks(), len(duplicates.table.rows("test"))
    leaked = leaks["train", "test"]
    compared = f"{len(duplicates.table):,} images were compared"
    if len(duplicates.table) < duplicates.table.total:
        compared += f", a sample of the {duplicates.table.total:,}"
    if not len(duplicates):
        return f"**No near-duplicates.** {compared}."
    if not leaked:
        return f"**No test image is in the training split.** {compared}."
    return (
        f"**{counted(leaked, 'test image')} of {tests:,} ({percent(leaked / max(tests, 1), 1)}) "
        f"{'is' if leaked == 1 else 'are'} in the training split, too**, or nearly. {compared}."
    )


def _show_table(data: Dataset, duplicates: Duplicates) -> None:
    """A row for each two splits with near-duplicates."""
    import numpy as np
    import pandas as pd

    rows = []
    for (first, second), count in duplicates.leaks().items():
        pairs = duplicates.between(first, second)
        if not len(pairs):
            continue
        kinds = np.bincount(duplicates.kind[pairs], minlength=len(KINDS)).tolist()
        where = SPLIT_NAMES[first] + ("" if first == second else f" and {SPLIT_NAMES[second]}")
        others = int(duplicates.other_label[pairs].sum())
        rows.append((where, *kinds, count, others))
    columns = ("Splits", "Same pixels", "Shifted", "Nearly", "Images", "Other label")
    st.dataframe(
        pd.DataFrame(rows, columns=columns),
        hide_index=True,
        height="content",
        column_config={
            "Images": st.column_config.NumberColumn(
                help="Images of the second split that have a near-duplicate in the first"
            ),
            "Other label": st.column_config.NumberColumn(
                help="Pairs whose labels differ: one of them must be wrong"
            ),
        },
        alt="Pairs of near-duplicates within and between the splits.",
    )


def _show_pairs(data: Dataset, duplicates: Duplicates) -> None:
    import numpy as np

    options = {ALL: "All pairs"}
    options |= {
        f"{a}-{b}": SPLIT_NAMES[a] + ("" if a == b else f" and {SPLIT_NAMES[b].lower()}")
        for i, a in enumerate(SPLITS)
        for b in SPLITS[i:]
        if len(duplicates.between(a, b))
    }
    options |= {"labels": "With different labels"} if duplicates.other_label.any() else {}
    which = url.choose("Pairs", options, param="pairs", default=ALL, width=280)
    if which == ALL:
        pairs = np.arange(len(duplicates))
    elif which == "labels":
        pairs = np.flatnonzero(duplicates.other_label)
    else:
        pairs = duplicates.between(*which.split("-"))
    tiles = [tile for pair in pairs.tolist() for tile in _pair(data, duplicates, pair)]
    browse(data, tiles, key="duplicate-pairs", alt="Near-duplicates side by side.", group=2)


def _pair(data: Dataset, duplicates: Duplicates, pair: int) -> list[Tile]:
    kind = WORDS[KINDS[duplicates.kind[pair]]]
    tiles = []
    for row in (int(duplicates.first[pair]), int(duplicates.second[pair])):
        place = duplicates.table.place(row)
        name = data.classes[duplicates.table.labels[row]]
        caption = f"{SPLIT_NAMES[place.split][:5].lower()} {shorten(name, 6)}"
        tiles.append(Tile(place, caption, f"{describe(data, place)}; {kind}"))
    return tiles
