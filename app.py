"""Livestall: wiring only. `python app.py` runs everything; `python app.py --help` lists the parts."""
import gc
import os
import sys

if __name__ == "__main__" and sys.argv[1:2] in ([], ["demo"]):
    # Starting everything needs none of what follows: 1.3 s and 90 MB less.
    from core import front
    if (code := front.door(sys.argv[1:])) is not None:
        sys.exit(code)

if sys.argv[1:2] in (["web"], ["relay"], ["demo"]):
    # Before anything else is imported: sockets, locks and the database driver must be gevent's.
    from gevent import monkey
    monkey.patch_all()

if os.environ.get("FAILPOINTS"):  # fault tests only; production refuses it (core/config.py)
    from core import failpoints
    failpoints.install(os.environ["FAILPOINTS"])

gc.disable()  # 1,400 modules that stay: looking through them is a tenth of a start, and then of each pause

from flask import Flask  # noqa: E402

import affiliates  # noqa: E402
import campaigns  # noqa: E402
import demo  # noqa: E402
import ledger  # noqa: E402
import live  # noqa: E402
import members  # noqa: E402
import orders  # noqa: E402
from core import bus, commands, config, db, health, i18n, jobs, sockets, statics, web  # noqa: E402

gc.freeze()
gc.enable()
PACKAGES = (members, ledger, campaigns, orders, affiliates, live, demo)


def create_app(settings: config.Config | None = None, **flask_config) -> Flask:
    """The Flask application with everything connected. Raises ConfigError if the environment is wrong."""
    settings = settings or config.load()
    app = sockets.App(__name__)
    app.config.update(LIVESTALL=settings, **flask_config)
    db.init_engine(settings.database_url, settings.db_pool_size)
    jobs.init_jobs(settings.redis_url)
    bus.init_bus(settings.redis_url)
    for part in (web, statics, i18n, sockets, health, *PACKAGES):
        part.init_app(app)
    return app


if __name__ == "__main__":
    commands.main(create_app)
