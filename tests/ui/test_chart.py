"""What the browser is told of a chart."""

import json

from digitlab.figures.training import accuracy_curve
from digitlab.ui.board import as_json


def test_a_name_with_a_link_is_text_and_a_figures_own_markup_stays():
    figure = accuracy_curve([{"epoch": 1, "val_accuracy": 0.5}])
    figure.data[0].name = '<a href="http://x">run</a> <3'
    figure.update_layout(title_text="Accuracy<br><sub>of a run</sub>")
    shown = json.loads(as_json(figure))
    assert shown["data"][0]["name"] == '&lt;a href="http://x">run&lt;/a> &lt;3'
    assert shown["layout"]["title"]["text"] == "Accuracy<br><sub>of a run</sub>"
