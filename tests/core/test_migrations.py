"""The migrations make the tables that the models describe, and nothing else."""
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import core.db
from core import migrations
from core.db import EXTRA_DDL, Base


def test_models_and_migrations_agree(app):
    with core.db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_step_with_the_highest_number_is_the_last():
    assert ScriptDirectory.from_config(migrations._config()).get_current_head() == migrations.newest()


def test_a_process_that_does_not_migrate_needs_no_alembic():
    code = "import sys, app; print([name for name in sys.modules if name.startswith(('alembic', 'mako'))])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_trigger_and_function_of_the_models_is_in_a_migration():
    """Autogenerate sees neither; a later migration may replace one, then the models carry the later text."""
    texts = "\n".join(file.read_text() for file in (Path(migrations.__file__).parent / "versions").glob("*.py"))
    assert [statement for statement in EXTRA_DDL if statement not in texts] == []
