"""What is shared of a page: who can open the link, and lines for another site."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from digitlab.ui.share import iframe, qr_code, who_can_open


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("localhost:8501", "only there"),
        ("127.0.0.1:8501", "only there"),
        ("[::1]:8501", "only there"),
        ("192.168.1.7:8501", "this network"),
        ("laptop.local", "this network"),
        ("laptop", "this network"),
        ("lab.example", ""),
        ("8.8.8.8", ""),
    ],
)
def test_who_cannot_open_a_link_is_told(host, words):
    sentence = who_can_open(f"http://{host}/Draw?run=reader")
    assert words in sentence
    assert bool(sentence) == bool(words)


def test_the_lines_for_another_site_hold_any_name_as_text():
    frame = ElementTree.fromstring(iframe("https://a.example/Draw?run=x&view=draw", '"><b>1'))
    assert frame.get("src") == "https://a.example/Draw?run=x&view=draw&embed=true"
    assert frame.get("title") == '"><b>1'
    assert not len(frame)


def test_a_qr_code_is_an_svg_of_its_own():
    picture = ElementTree.fromstring(qr_code("https://a.example/Draw?run=reader&view=draw"))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
