"""One loop: (model, data, recipe) → a stream of events."""
