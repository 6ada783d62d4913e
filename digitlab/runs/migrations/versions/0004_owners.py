"""Owners of runs, and the keys of links that show a run to others."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        for name in ("owner", "share"):
            runs.add_column(sa.Column(name, sa.String(), nullable=True))
        runs.create_index("runs_by_owner", ["owner", "created"])
