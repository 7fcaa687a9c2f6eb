"""Schema migrations (Alembic), run under an advisory lock so that two starts at once do not race."""
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

HERE = Path(__file__).parent
LOCK = 0x11FE57A1  # any number that nobody else uses


def _config(connection=None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def upgrade(engine) -> None:
    """Bring the database to the newest schema."""
    with engine.connect() as lock:
        lock.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        with engine.begin() as connection:
            command.upgrade(_config(connection), "head")
        lock.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")


def pending(engine) -> str | None:
    """None if the schema is current, else a line that says what to do."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return None
    return (f"The database is at migration {current or 'none'}, this version needs {head}. "
            "Run: python app.py migrate")
