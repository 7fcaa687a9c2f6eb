"""`python app.py check`: every invariant recomputed by plain SQL, independent of the code that writes the rows.

Packages register (name, SQL); the SQL returns the rows that break the rule, none if all is well.
"""
import click
from sqlalchemy import text

from core.commands import command, stop_unless_migrated
from core.db import reading

CHECKS: list[tuple[str, str]] = []


def register(checks: list[tuple[str, str]]) -> None:
    """Add a package's invariants; adding them again changes nothing."""
    CHECKS.extend(check for check in checks if check not in CHECKS)


def violations(db) -> list[tuple[str, dict]]:
    """(rule, row) of every broken rule, at most five rows a rule."""
    return [(name, dict(row._mapping)) for name, sql in CHECKS
            for row in db.execute(text(sql)).fetchmany(5)]


@command("check")
def check():
    """Recompute all invariants; exit 1 and name the rows if one is broken."""
    stop_unless_migrated()
    with reading() as db:
        broken = violations(db)
    for name, row in broken:
        click.echo(f"BROKEN {name}: " + ", ".join(f"{key}={value}" for key, value in row.items()))
    click.echo(f"{len(CHECKS)} rules checked, {len({name for name, _ in broken})} broken.")
    raise SystemExit(1 if broken else 0)
