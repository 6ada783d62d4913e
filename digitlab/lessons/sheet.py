"""A lesson as a sheet to be printed: one HTML file with room for notes."""

from __future__ import annotations

from pathlib import Path

from digitlab.lessons.lesson import Lesson


def write_sheet(lesson: Lesson) -> str:
    """The lesson as HTML that needs nothing else; the answers stand on their heads at its end."""
    from jinja2 import Environment, FileSystemLoader

    loader = FileSystemLoader(Path(__file__).parent)
    template = Environment(loader=loader, autoescape=True).get_template("sheet.html.jinja")
    return template.render(lesson=lesson)
