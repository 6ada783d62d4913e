"""Epochs of autoencoders, which have no accuracy."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("epochs") as epochs:
        epochs.alter_column("train_accuracy", existing_type=sa.Float(), nullable=True)
