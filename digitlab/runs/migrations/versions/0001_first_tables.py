"""The first tables: runs, their epochs and their steps, as version 0.1.0 made them."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing to do: a store of this form is recognised by its tables."""
