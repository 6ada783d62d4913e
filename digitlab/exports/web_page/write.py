"""`write_web_page`: the HTML file with the network, what reads drawings, and the run's card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.drawing.handwriting import write
from digitlab.exports.run_facts import recipe_rows, run_facts
from digitlab.exports.web_page.graph import pack_graph
from digitlab.runs.abstention import find_abstention
from digitlab.settings import VERSION

if TYPE_CHECKING:
    import numpy as np

    from digitlab.runs.run import Run

FOLDER = Path(__file__).parent
SCRIPTS = ("network.js", "framing.js", "reading.js", "pad.js")
PAD = (600, 240)  # width and height of the pad in pixels, as in page.html.jinja
EXAMPLES = ("3", "7", "2026", "58", "4", "190")


def write_web_page(run: Run, graph: bytes, link: str = "") -> str:
    """One HTML file that draws digits and reads them with a run, offline and on a phone.

    `graph` is the run as an ONNX file, whose weights are stored with half precision; `link` is
    where an app shows the run, if anywhere. Names and notes are escaped. Raises ExportError where
    the page cannot compute the graph, and RunError where the run has no results.
    """
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    result = run.evaluate("test")
    facts = run_facts(run, result)
    pages = Environment(loader=FileSystemLoader(FOLDER), autoescape=True)
    return pages.get_template("page.html.jinja").render(
        record=run.record,
        numbers=facts.numbers,
        measured=facts.measured,
        classes=run.classes,
        confusion=_shares(result.confusion),
        recipe=recipe_rows(run),
        spec=run.spec.to_yaml(),
        version=VERSION,
        link=link,
        facts=Markup(_json(_facts(run))),
        network=Markup(_json(pack_graph(graph, ("logits",)))),
        script=Markup("\n".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS)),
    )


def _facts(run: Run) -> dict[str, Any]:
    """What the scripts need of the run: its classes, how answers are read, examples to draw."""
    abstention = find_abstention(run)
    reading = {
        "noDigit": run.record.data.no_digit == "logit 0",
        "isBinary": run.config.loss == "binary",
        "temperature": abstention.temperature,
        "digit": abstention.digit,
        "confidence": abstention.confidence,
    }
    return {"classes": list(run.classes), "reading": reading, "examples": _examples()}


def _examples() -> list[list[list[list[float]]]]:
    written = [write(text, PAD, brush=18, seed=seed)[0] for seed, text in enumerate(EXAMPLES)]
    return [[stroke.round(1).tolist() for stroke in strokes] for strokes in written]


def _shares(confusion: np.ndarray) -> list[list[dict[str, float]]]:
    """Each cell's images, and their share of the images of its row."""
    wholes = confusion.sum(axis=1)
    return [
        [{"count": int(n), "share": round(float(n / max(1, whole)), 3)} for n in row]
        for row, whole in zip(confusion, wholes, strict=True)
    ]


def _json(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
