"""Run stores of earlier forms, as earlier versions of digitlab left them."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from digitlab.runs import database, postgres

FORMS = [path.name[:4] for path in sorted((database._FOLDER / "versions").glob("0*.py"))][:-1]


def upgrade_to(address: str, form: str) -> None:
    """Bring a store of the first form, which has no version, to a later one; not to the newest."""
    if form == FORMS[0]:
        return
    engine = create_engine(postgres.read_address(address))
    with engine.connect() as connection:
        database._stamp(connection, FORMS[0])
        config = Config()
        config.set_main_option("script_location", str(database._FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, form)
        connection.commit()
    engine.dispose()
