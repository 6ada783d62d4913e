"""Working on the Architecture page as a visitor does: rows, buttons, views, text."""

from __future__ import annotations

from digitlab.models.spec import ModelSpec
from tests.pages.visit import find, healthy


def spec_of(app) -> ModelSpec:
    """The architecture that the page is working on."""
    return app.session_state["architecture:spec"]


def text(app) -> str:
    return find(app.text_area, "Architecture in YAML").value


def write(app, content: str):
    return healthy(find(app.text_area, "Architecture in YAML").set_value(content).run())


def show(app, view: str):
    return healthy(find(app.button_group, "View").set_value(view).run())


def press(app, label: str):
    return healthy(find(app.button, label).click().run())


def choose(app, row: str):
    return healthy(find(app.radio, "Layers").set_value(row).run())


def metric(app, label: str) -> str:
    return find(app.metric, label).value


def types(app) -> list[str]:
    return [layer.type for layer in spec_of(app).layers]
