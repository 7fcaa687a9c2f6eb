"""`python app.py …`: one door to every process and chore. Packages add theirs with `@command`."""
import sys
from dataclasses import replace

import click

from core import migrations
from core.db import engine

COMMANDS = click.Group(help="Livestall. Without a command: start everything.", invoke_without_command=True)


def command(name: str, **options):
    """Register a chore: `@command("check")`. It runs inside the application's context."""
    return COMMANDS.command(name, **options)


def main(create_app) -> None:
    """Run the command line; the application is made for every command but the bare start."""
    from core import config, embedded, logs  # late: only the command line needs them
    try:
        if sys.argv[1] == "env":
            COMMANDS(standalone_mode=True)
        settings = config.load()
        if "--help" in sys.argv:  # packages add their commands when they are connected; nothing is started for it
            settings = replace(settings, database_url="postgresql:///", redis_url="redis://127.0.0.1")
        settings = embedded.ensure(settings)
        logs.configure(settings.log_level, settings.log_format)
        app = create_app(settings)
        with app.app_context():
            COMMANDS(obj=app, standalone_mode=True)
    except (config.ConfigError, embedded.ServerError) as error:
        click.echo(str(error), err=True)
        sys.exit(2)


@command("migrate")
def migrate():
    """Bring the database to the newest schema."""
    migrations.upgrade(engine())
    click.echo("The database is up to date.")


@command("env")
def env():
    """Print the settings of the running embedded servers, for `eval $(python app.py env)`."""
    from core import front
    click.echo(front.exports())


def stop_unless_migrated() -> None:
    """Refuse to serve on a schema that is not ours."""
    problem = migrations.pending(engine())
    if problem:
        click.echo(problem, err=True)
        sys.exit(3)


@command("web")
@click.option("--port", type=int, default=None, help="Listen here instead of PORT.")
@click.option("--behind", type=int, default=None, help="Listen on the loopback, as a proxy's web process number N.")
@click.pass_obj
def web(app, port, behind):
    """Serve pages and sockets (one process)."""
    from core import serving, sockets
    stop_unless_migrated()
    if behind:
        sockets.number_ids(behind)
    serving.serve(app, port, "127.0.0.1" if behind else None)


@command("worker")
@click.pass_obj
def worker(app):
    """Do background jobs (RQ)."""
    from core import serving
    stop_unless_migrated()
    serving.work()
