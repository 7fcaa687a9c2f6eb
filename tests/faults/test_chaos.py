"""The short form of `make chaos-sale`: a sale of real clients, real processes and real signals; one seed a fault."""
import json
import subprocess
import sys

import pytest

from tests.stack import ROOT


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sale_survives_the_most_telling_faults():
    done = subprocess.run([sys.executable, "-m", "tests.faults.chaos", "--short", "--crowd", "24"], cwd=ROOT,
                          capture_output=True, text=True, timeout=580)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["violations"], said["faults"] >= 7, said["won"] > 50) == (0, True, True), said
    assert "0 broken" in said["check"]
