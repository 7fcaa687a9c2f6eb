"""Files of static/ are kept by browsers for as long as they do not change, and not a moment longer."""
import dataclasses
import json
import re

import pytest

from core import statics


@pytest.fixture
def page(client):
    return client.get("/sign-in").text


def test_a_page_names_its_files_and_its_modules_imports_with_their_version(app, client, page):
    with app.test_request_context():
        version = statics.newest()
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert named and all(path.startswith(f"/static/v{version}/") for path in named)
    leads = json.loads(re.search(r'<script type="importmap"[^>]*>(.*?)</script>', page)[1])["imports"]
    assert client.get(leads["socket.io-client"]).status_code == 200
    assert client.get(leads["/static/js/"] + "shell.js").headers["Cache-Control"] == statics.FOREVER
    # What is mapped once must not begin with what is mapped, or a module's own imports would be led astray.
    assert not [to for to in leads.values() for key in leads if to.startswith(key)]


@pytest.mark.parametrize("path", ["/static/js/shell.js", "/static/v0123456789ab/js/shell.js"])
def test_without_its_version_a_file_comes_and_is_asked_for_again(client, path):
    answer = client.get(path)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-cache" and answer.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_changed_file_changes_the_version_where_files_are_edited(app, tmp_path, monkeypatch):
    monkeypatch.setattr(statics, "_state", {"version": "", "seen": None, "looked": -9e9})
    monkeypatch.setattr(app, "static_folder", str(tmp_path))
    (tmp_path / "a.js").write_text("1")
    monkeypatch.setitem(app.config, "LIVESTALL", dataclasses.replace(app.config["LIVESTALL"], env="development"))
    with app.app_context():
        first = statics.newest()
        (tmp_path / "a.js").write_text("2")
        assert statics.newest() == first  # one look a second
        statics._state["looked"] = -9e9
        second = statics.newest()
        assert second != first
        monkeypatch.setitem(app.config, "LIVESTALL", dataclasses.replace(app.config["LIVESTALL"], env="production"))
        (tmp_path / "a.js").write_text("3")
        statics._state["looked"] = -9e9
        assert statics.newest() == second
