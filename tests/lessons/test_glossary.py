"""The words of the lessons: each is defined, and leads only to pages that there are."""

from __future__ import annotations

import digitlab as dl
from digitlab.lessons.glossary import list_terms, terms_of
from digitlab.lessons.lesson import PAGES


def test_every_term_has_a_definition_and_leads_to_a_page():
    terms = list_terms()
    assert len(terms) >= 60
    for term in terms:
        assert term.says.endswith((".", "?"))
        assert len(term.says) < 160
        assert term.link is None or term.link.page in PAGES


def test_a_lesson_has_the_terms_that_it_uses():
    names = [term.name for term in terms_of(dl.find_lesson("linear-stacks"))]
    assert {"activation", "ReLU", "McNemar", "linear layer"} <= set(names)
    assert "dropout" not in names
    assert all(terms_of(lesson) for lesson in dl.list_lessons())
