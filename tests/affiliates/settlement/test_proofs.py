"""The bench and the storm, small: the same code as `make bench-settle` and `make chaos-settle`."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(script, *words):
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run([sys.executable, f"tests/bench/{script}.py", *words], cwd=ROOT, capture_output=True,
                          text=True, timeout=110, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.slow
def test_a_small_storm_leaves_the_totals_as_they_were():
    said = run("chaos_settle", "--orders", "4000", "--affiliates", "200", "--least", "0.4", "--most", "0.9",
               "--seconds", "90")
    assert said["identical"] and said["settled_twice"] == 0


@pytest.mark.slow
def test_a_small_bench_has_every_figure():
    said = run("settle", "--orders", "2000", "--affiliates", "50", "--sample", "100", "--paid", "60")
    assert {"settle_1m_s", "audit_s", "growth", "orders_per_s_hot_path", "rowwise_ratio", "worker_mb"} <= set(said)
    assert said["worker_mb"] <= 300
