"""What the form suggests for a search of layers' arguments."""

from __future__ import annotations

from digitlab.models.presets import list_presets
from digitlab.ui.train.field_search import _suggest_for_layers


def test_every_preset_has_suggestions_in_words():
    for preset in list_presets():
        suggestions = _suggest_for_layers(preset.spec)
        assert all(isinstance(values, str) for values in suggestions.values()), preset.name
