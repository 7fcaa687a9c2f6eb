#!/bin/sh
# Finds a Python of version 3.11 or newer and lets scripts/setup.py install what is asked for: run, test or browser.
set -eu
cd "$(dirname "$0")/.."
fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
if fits .venv/bin/python; then
    exec .venv/bin/python scripts/setup.py "$@"
fi
for python in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python3.14; do
    # A version manager's shim may exist and still not run, so each is tried.
    if fits "$python"; then
        exec "$python" scripts/setup.py "$@"
    fi
done
echo "Python 3.11 or newer is needed and was not found: install it, or name one: make PYTHON=/path/to/python3.12" >&2
exit 1
