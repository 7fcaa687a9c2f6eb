"""The migrations make the tables that the models describe, and nothing else."""
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import core.db
from core import migrations
from core.db import EXTRA_DDL, Base


def test_models_and_migrations_agree(app):
    with core.db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_trigger_and_function_of_the_models_is_in_a_migration():
    """Autogenerate sees neither; a later migration may replace one, then the models carry the later text."""
    texts = "\n".join(file.read_text() for file in (Path(migrations.__file__).parent / "versions").glob("*.py"))
    assert [statement for statement in EXTRA_DDL if statement not in texts] == []
