#!/bin/sh
# Pins with hashes for Python 3.11 to 3.13 on x86_64 and aarch64, without naming where the packages came from.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m venv "$tools"
"$tools/bin/pip" install -q --disable-pip-version-check uv
for name in requirements requirements-dev requirements-node; do
    "$tools/bin/uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --no-header "$name.in" -o "$name.txt"
done
npm install --package-lock-only --ignore-scripts --no-audit --no-fund
