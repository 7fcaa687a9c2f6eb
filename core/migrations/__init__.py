"""Schema migrations (Alembic), run under an advisory lock so that two starts at once do not race."""
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LOCK = 0x11FE57A1  # any number that nobody else uses


def _config(connection=None):
    # Late: Alembic takes 0.2 s to import, a tenth of a process's start, and only who migrates needs it.
    from alembic.config import Config
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def upgrade(engine) -> None:
    """Bring the database to the newest schema."""
    from alembic import command
    with engine.connect() as lock:
        lock.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        with engine.begin() as connection:
            command.upgrade(_config(connection), "head")
        lock.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")


@cache
def newest() -> str:
    """The revision that this version needs: each step's file is called by its number."""
    return max(file.name for file in (HERE / "versions").glob("[0-9]*.py")).split("_")[0]


def pending(engine) -> str | None:
    """None if the schema is current, else a line that says what to do."""
    with engine.connect() as connection:
        current = None
        if connection.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar():
            current = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if current == newest():
        return None
    return (f"The database is at migration {current or 'none'}, this version needs {newest()}. "
            "Run: python app.py migrate")
