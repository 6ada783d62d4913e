"""Charts at a presenter's size, and the names in them."""

import json

from digitlab.figures.evaluation import per_class_metrics
from digitlab.figures.training import accuracy_curve
from digitlab.ui.board import as_json
from digitlab.ui.chart import _enlarged


def test_a_presenters_chart_is_larger_in_all_that_is_measured_in_pixels():
    figure = accuracy_curve([{"epoch": 1, "val_accuracy": 0.5}, {"epoch": 2, "val_accuracy": 0.6}])
    large = _enlarged(figure)
    assert large.layout.height == 1.5 * figure.layout.height
    assert large.layout.margin.l == 1.5 * figure.layout.margin.l
    assert large.layout.xaxis.tickfont.size == 18
    assert large.data[0].line.width == 1.5 * figure.data[0].line.width
    assert list(large.data[0].y) == list(figure.data[0].y)
    assert _enlarged(per_class_metrics([])).layout.height


def test_a_name_with_a_link_is_text_and_a_figures_own_markup_stays():
    figure = accuracy_curve([{"epoch": 1, "val_accuracy": 0.5}])
    figure.data[0].name = '<a href="http://x">run</a> <3'
    figure.update_layout(title_text="Accuracy<br><sub>of a run</sub>")
    shown = json.loads(as_json(figure))
    assert shown["data"][0]["name"] == '&lt;a href="http://x">run&lt;/a> &lt;3'
    assert shown["layout"]["title"]["text"] == "Accuracy<br><sub>of a run</sub>"
