"""Changes of the registry's tables, one file each in `versions`; `upgrade` brings a registry up to the newest."""

from collections.abc import Callable
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from biodata.errors import StoreError


def upgrade(engine: Engine, first: Callable[[Session], object] | None = None) -> None:
    """Bring the tables up to the newest revision, in one transaction.

    Parameters
    ----------
    engine : Engine
        Of the registry.
    first : function, optional
        Writes the first rows into new tables, in the same transaction.

    Raises
    ------
    StoreError
        If a newer biodata has made them.
    """
    with as_file(files("biodata.store.migrations")) as folder, engine.begin() as connection:
        config = configuration(str(folder))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            message = f"the registry was made by a newer biodata: {error}"
            raise StoreError(message) from error
        if first is not None:
            with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
                first(session)


def configuration(folder: str) -> Config:
    """Return alembic's configuration for this folder."""
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
