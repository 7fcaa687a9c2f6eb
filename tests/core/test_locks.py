"""The locks: in step with what was asked for, every package with its hashes, and no registry named."""
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements", "requirements-dev", "requirements-node")


def asked_for(name):
    """Package → version or None, of a .in file without the files it includes."""
    lines = [line.strip() for line in (ROOT / f"{name}.in").read_text().splitlines()]
    found = [re.match(r"([\w.-]+)(?:\[[\w,]+\])?(?:==(\S+))?", line) for line in lines
             if line and not line.startswith(("#", "-"))]
    return {match[1].lower(): match[2] for match in found}


def locked(name):
    text = (ROOT / f"{name}.txt").read_text()
    return {match[1]: match[2] for match in re.finditer(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", text, re.M)}


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_what_was_asked_for(name):
    lock = locked(name)
    for package, version in asked_for(name).items():
        assert package in lock, f"run `make locks`: {package} is in {name}.in only"
        assert version in (None, lock[package]), f"run `make locks`: {package}"


def test_tests_run_on_the_versions_that_the_shop_runs_on():
    dev = locked("requirements-dev")
    assert {name: dev.get(name) for name in locked("requirements")} == locked("requirements")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_hashes_and_no_address(name):
    text = (ROOT / f"{name}.txt").read_text()
    blocks = re.split(r"^(?=[a-z])", text, flags=re.M)[1:]
    assert len(blocks) == len(locked(name)) > 0
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "index-url" not in text


def test_the_browser_modules_have_hashes_and_no_address():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    wanted = json.loads((ROOT / "package.json").read_text())
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
    assert lock["packages"][""]["devDependencies"] == wanted["devDependencies"]
    modules = [module for path, module in lock["packages"].items() if path]
    assert modules
    for module in modules:
        assert module["integrity"].startswith("sha512-")
        assert "resolved" not in module
