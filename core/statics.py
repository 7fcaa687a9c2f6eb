"""Files of static/ under an address that changes with them, so that a browser keeps them and never asks again.

A page loads up to 60 modules; each was asked for anew on each page ("has it changed?", 304), which on a phone is a
way to the server and back for each layer of imports. Now a page names `/static/v<12 hex digits>/…`, and an import map
leads the modules' own imports there too. Without the digits a file still comes, and is asked for again.
"""
import hashlib
import threading
import time
from pathlib import Path

from flask import Flask, current_app

FOREVER = "public, max-age=31536000, immutable"  # as deploy/nginx.conf says it
DIGITS = 12
LOOK_SECONDS = 1.0  # in development, how long an edited file may go unnoticed

_lock = threading.Lock()
_state = {"version": "", "seen": None, "looked": 0.0}


def newest() -> str:
    """Digits for what is in static/ now; in production for what was in it at the first page."""
    stale = current_app.config["LIVESTALL"].env == "development" and time.monotonic() - _state["looked"] > LOOK_SECONDS
    if _state["version"] and not stale:
        return _state["version"]
    with _lock:
        root = Path(current_app.static_folder)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        seen = [(path, (info := path.stat()).st_mtime_ns, info.st_size) for path in files]
        if seen != _state["seen"]:
            digest = hashlib.sha256()
            for path in files:
                digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
            _state.update(version=digest.hexdigest()[:DIGITS], seen=seen)
        _state["looked"] = time.monotonic()
    return _state["version"]


def import_map() -> dict:
    """Where a module's `import '/static/js/…'` leads. Only prefixes that a versioned address does not begin with."""
    at = f"/static/v{newest()}"
    return {"imports": {"/static/js/": f"{at}/js/", "/static/vendor/": f"{at}/vendor/",
                        "socket.io-client": f"{at}/vendor/socket.io.esm.min.js"}}


def init_app(app: Flask) -> None:
    app.add_url_rule(f"/static/v<string(length={DIGITS}):version>/<path:filename>", endpoint="static")
    app.view_functions["static"] = _send
    app.jinja_env.globals["import_map"] = import_map

    @app.url_defaults
    def with_version(endpoint, values):
        if endpoint == "static":
            values.setdefault("version", newest())


def _send(filename: str, version: str = ""):
    """Another version's address gives today's file, which is not to be kept: a page from before an update."""
    response = current_app.send_static_file(filename)
    if version == newest():
        response.headers["Cache-Control"] = FOREVER
    return response
