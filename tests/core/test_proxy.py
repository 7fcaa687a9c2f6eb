"""nginx in front of several web processes: its settings follow deploy/nginx.conf, and who polls meets one process."""
import json
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from core import proxy, statics
from tests.core.test_fanout_clients import NODE, ROOT, Server


def test_the_settings_are_those_of_deploy_with_this_runs_places(tmp_path):
    text = proxy.settings(tmp_path, "127.0.0.1:8000", [9001, 9002])
    assert "listen 127.0.0.1:8000 default_server" in text
    assert "least_conn;" in text and "ip_hash" not in text
    assert "~^2\\. web2;" in text
    assert "proxy_pass http://$web;" in text
    assert "/srv/static" not in text and f'alias "{ROOT}/static/";' in text
    assert "tls" not in text
    for word in ("X-Forwarded-For", "proxy_next_upstream error timeout", "location /metrics"):
        assert word in text  # what production relies on is here too


def test_a_change_of_deploys_file_that_does_not_fit_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "deploy").mkdir()
    text = (ROOT / "deploy/nginx.conf").read_text()
    (tmp_path / "deploy/nginx.conf").write_text(text.replace("upstream web {", "upstream shop {"))
    monkeypatch.setattr(proxy, "PROJECT", tmp_path)
    with pytest.raises(ValueError, match="upstream web"):
        proxy.settings(tmp_path, "127.0.0.1:8000", [9001])


def test_an_nginx_that_does_not_take_the_settings_is_not_used(tmp_path):
    refuses = tmp_path / "nginx"
    refuses.write_text("#!/bin/sh\nexit 1\n")
    refuses.chmod(0o755)
    assert proxy.words(str(refuses), tmp_path / "run", "127.0.0.1:8000", [9001]) is None


@contextmanager
def fronted(folder: Path, numbered: bool):
    """The address of nginx in front of two servers."""
    with ExitStack() as ends:
        servers = [Server(small=1, **({"behind": n} if numbered else {})) for n in (1, 2)]
        for server in servers:
            ends.callback(server.stop)
        port = proxy.ports(1)[0]
        line = proxy.words(proxy.find(), folder / "nginx", f"127.0.0.1:{port}", [server.port for server in servers])
        front = subprocess.Popen(line)
        ends.callback(lambda: (front.terminate(), front.wait(10)))
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 10
        while True:
            try:
                urllib.request.urlopen(address + "/state", timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)
        yield address


def heard(address: str, transports: str) -> dict:
    """What the npm client says that it got."""
    done = subprocess.run([NODE, "tests/core/fanout_client.mjs", address, transports, "3", "amama"], cwd=ROOT,
                          capture_output=True, text=True, timeout=20, check=False)
    return json.loads(done.stdout or "{}")


def test_who_polls_meets_the_process_that_knows_it_and_upgrades_there(tmp_path):
    if not proxy.find():
        return  # `make run` takes the plain way then: test_supervisor.py
    with fronted(tmp_path, numbered=True) as address:
        for transports, ends_as in (("polling", "polling"), ("polling,websocket", "websocket"),
                                    ("websocket", "websocket"), ("polling", "polling")):
            assert heard(address, transports)["transport"] == ends_as
    with fronted(tmp_path, numbered=False) as address:  # the control: ids that name nobody
        assert "transport" not in heard(address, "polling")


def test_files_with_their_version_are_kept_for_good_and_others_asked_for_again(tmp_path):
    if not proxy.find():
        return
    with fronted(tmp_path, numbered=True) as address:
        for path, kept in (("v0123456789ab/js/shell.js", statics.FOREVER), ("js/shell.js", "no-cache")):
            with urllib.request.urlopen(f"{address}/static/{path}", timeout=5) as answer:
                assert answer.headers["Cache-Control"] == kept
                assert answer.read() == (ROOT / "static/js/shell.js").read_bytes()
