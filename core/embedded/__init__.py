"""PostgreSQL and Valkey without an installation, shared by all processes that use one data folder.

Each server runs for as long as a process that started or joined it lives, however that process ends.
"""
import contextlib
from dataclasses import replace
from pathlib import Path

from core.embedded import postgres, server, valkey
from core.embedded.server import ServerError

__all__ = ["ServerError", "ensure", "keeper_pids", "lost", "running", "start", "stop"]


def start(data_dir, *, durable=True):
    """(database_url, redis_url) of this folder's servers, started if they do not run. Raises ServerError.

    They stop when the last process that called this has ended or called stop(). durable=False is for tests.
    """
    data_dir = Path(data_dir)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return postgres.start(data_dir / "postgres", durable=durable), valkey.start(data_dir / "valkey")


def running(data_dir):
    """(database_url, redis_url) of the servers that run in this folder now, None for one that does not."""
    urls = []
    for module, name in (postgres, "postgres"), (valkey, "valkey"):
        url, home = None, Path(data_dir).resolve() / name
        with contextlib.suppress(OSError):
            if server.alive(home):
                url = module.ready(home)
        urls.append(url)
    return tuple(urls)


def ensure(config):
    """The same settings with embedded servers, started or joined, where no URL was given."""
    if not config.database_url:
        config = replace(config, database_url=postgres.start(config.data_dir / "postgres"))
    if not config.redis_url:
        config = replace(config, redis_url=valkey.start(config.data_dir / "valkey"))
    return config


def lost(config):
    """Whether a server that ensure(config) started or joined is gone with its keeper."""
    homes = [config.data_dir / name for name, given in (("postgres", config.database_url),
                                                        ("valkey", config.redis_url)) if not given]
    return any(server.is_held(home) and not server.alive(home) for home in homes)


def keeper_pids():
    """Processes of ours that this process started and that are not to be waited for by anybody else."""
    return {process.pid for process in server.keepers if process.poll() is None}


def stop(data_dir):
    """Leave this folder's servers and wait until they are gone; False if one has other users."""
    homes = [home for name in ("postgres", "valkey") if (home := Path(data_dir).resolve() / name).is_dir()]
    return all([server.release(home) for home in homes])
