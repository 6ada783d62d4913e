"""Integers of 64 bits, as SQLite has them, in every database; how long visitors' runs trained."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INTEGERS = {
    "runs": ("parameters", "epochs", "epochs_done", "step", "total_steps", "best_epoch"),
    "epochs": ("epoch", "step"),
    "steps": ("step",),
}


def upgrade() -> None:
    op.create_table(
        "trainings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("owner", sa.String(), nullable=False, index=True),
        sa.Column("ended", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, columns in INTEGERS.items():
        for column in columns:
            op.alter_column(table, column, type_=sa.BigInteger(), existing_type=sa.Integer())
