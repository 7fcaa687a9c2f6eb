"""The web process of `make bench-claims`: the product's own, and beside its doors a trivial one of each kind.

Nothing of this is part of the product: the two handlers exist in this process only.
"""
from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from app import create_app  # noqa: E402
from core import config, logs, serving  # noqa: E402
from core.web import body  # noqa: E402


def main(port: int) -> None:
    settings = config.load(env_file=None)
    logs.configure(settings.log_level, settings.log_format)
    app = create_app(settings)

    from live import schemas
    from live.sockets import event
    from live.views_api import fresh
    from members.access import signed_in

    @event("nothing", schemas.NothingIn, access="signed_in")
    def nothing(_data):
        return {}

    @app.post("/api/nothing")
    @signed_in
    def nothing_over_http():
        body(schemas.NothingIn)
        return fresh({"ok": True})
    with app.app_context():
        serving.serve(app, port)


if __name__ == "__main__":
    main(int(sys.argv[1]))
