"""Notes, tags, notices and parents of runs; test figures of epochs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("note", sa.String(), nullable=False, server_default=""))
        for name in ("tags", "notices"):
            runs.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
        runs.add_column(sa.Column("parent", sa.String(), nullable=True))
    with op.batch_alter_table("epochs") as epochs:
        for name in ("test_loss", "test_accuracy"):
            epochs.add_column(sa.Column(name, sa.Float(), nullable=True))
