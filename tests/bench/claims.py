"""`make bench-claims`: one hot offer, the usual way beside ours, functions and doors. The last line is JSON.

Everything is real: PostgreSQL with fsync on, a web process, sessions, CSRF, limits; buyers in C (claims_load.c).
Medians over the rounds; what is compared is measured in turns in the same run.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from app import create_app
from core import config, embedded, migrations
from core.db import engine
from tests.bench import claims_shop
from tests.stack import free_port, new_database

HERE = Path(__file__).parent
# A socket may say 20 things a second. With 64 connections the process was idle for a fifth of the time (a claim waits
# for its commit), so that measured waiting; 256 are the buyers of `winners_ratio`.
SOCKETS, REQUESTERS = 512, 256
PER_SOCKET, PER_REQUESTER = 14, 15


def say(text: str) -> None:
    print(text, flush=True)


def environment(urls, folder: Path) -> dict:
    port = free_port()
    return {**os.environ, "APP_ENV": "production", "DATABASE_URL": new_database(urls[0]), "REDIS_URL": urls[1],
            "SECRET_KEY": "b" * 40, "BASE_URL": f"http://127.0.0.1:{port}", "DATA_DIR": str(folder / "data"),
            "ALLOWED_ORIGINS": f"http://127.0.0.1:{port}", "PAYMENT_PROVIDER": "sandbox", "PORT": str(port),
            "LOG_LEVEL": "warning", "DB_POOL_SIZE": "20", "PYTHONPATH": str(HERE.parents[1])}


# -- functions -------------------------------------------------------------------------------------------------------

def functions(env: dict, rounds: int) -> list[dict]:
    """Every measurement of claims_functions.py."""
    found, words = [], [sys.executable, str(HERE / "claims_functions.py"), str(rounds)]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            found.append(json.loads(line))
            say("{what:5} {buyers:3} buyers, stock for {stock}: {wins_per_s:6.0f} winners/s {answers_per_s:6.0f} "
                "answers/s p50 {p50_ms:5.1f} p99 {p99_ms:7.1f} ms, {cpu_us:4.0f} µs a call, busy {busy} "
                "(load {load:.1f})".format(**found[-1]))
    if process.returncode:
        raise SystemExit("the functions failed")
    return found


def middle(found: list[dict], key: str, **which) -> float:
    return median(row[key] for row in found if all(row[name] == value for name, value in which.items()))


def ratio(found: list[dict], buyers: int, stock: str) -> float:
    ways = [middle(found, "wins_per_s", what=what, buyers=buyers, stock=stock) for what in ("ours", "usual")]
    return ways[0] / ways[1]


# -- doors -----------------------------------------------------------------------------------------------------------

class Web:
    """The web process, and how much processor time it has taken."""

    def __init__(self, env: dict, folder: Path):
        with open(folder / "web.log", "wb") as log:
            self.process = subprocess.Popen([sys.executable, str(HERE / "claims_web.py"), env["PORT"]], env=env,
                                            stdout=log, stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                urlopen(f"{env['BASE_URL']}/healthz", timeout=2).close()  # noqa: S310 - our own address
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit((folder / "web.log").read_text())

    def cpu(self) -> float:
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Buyers:
    """Connections of the load client through one kind of door."""

    def __init__(self, program: Path, kind: str, port: str, people: list, folder: Path):
        path = folder / f"{kind}.people"
        path.write_text("".join(f"{cookie} {csrf}\n" for cookie, csrf in people))
        self.process = subprocess.Popen([str(program), kind, port, str(path)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self._line()

    def _line(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the load client ended")
        return json.loads(line)

    def storm(self, web: Web, name: str, per: int, prefix: str, fields: str) -> dict:
        """All buyers ask `per` times each; what came of it."""
        claims_shop.settle()
        before = web.cpu()
        self.process.stdin.write(f"run {name} {per} {prefix} {fields}\n")
        self.process.stdin.flush()
        found = self._line()
        answers = found["won"] + found["refused"] + found["other"]
        return {**found, "per_s": answers / found["seconds"], "load": os.getloadavg()[0],
                "server_us": (web.cpu() - before) / answers * 1e6,
                "client_share": found["client_cpu"] / found["seconds"]}

    def stop(self) -> None:
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait(10)


def doors(env: dict, app, folder: Path, rounds: int) -> dict:
    """{door: [measurements]} for "socket nothing", "socket claim", "http nothing", "http claim", in turns."""
    program = folder / "claims_load"
    subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / "claims_load.c")], check=True)
    sizes = {"socket": (SOCKETS, PER_SOCKET), "http": (REQUESTERS, PER_REQUESTER)}
    shop = claims_shop.build(SOCKETS + REQUESTERS, [count * per for count, per in sizes.values()] * (rounds + 1))
    people, offers, found = claims_shop.sign_in(app, shop.members), iter(shop.offers), {}
    web = Web(env, folder)
    try:
        parts = {"socket": Buyers(program, "socket", env["PORT"], people[:SOCKETS], folder),
                 "http": Buyers(program, "http", env["PORT"], people[SOCKETS:], folder)}
        for n in range(rounds + 1):  # the first is to warm up
            for kind, buyers in parts.items():
                per, offer = sizes[kind][1], next(offers)
                fields = f'"offer_id":"{offer}","quantity":1'
                claim = ["claim", per, f"r{n}", f'{fields},"live_id":"{shop.live_id}"']
                if kind == "http":
                    claim = [f"/api/live/{shop.live_id}/claims", per, f"r{n}", fields]
                nothing = ["nothing" if kind == "socket" else "/api/nothing", per, f"n{n}", "-"]
                for what, words in ("nothing", nothing), ("claim", claim):
                    measured = buyers.storm(web, *words)
                    if n:
                        found.setdefault(f"{kind} {what}", []).append(measured)
                        say("{0:14} {per_s:6.0f}/s won {won} refused {refused} other {other}, p50 {p50_ms:.0f} p99 "
                            "{p99_ms:.0f} ms, web {server_us:.0f} µs each, client {client_share:.0%} of a core "
                            "(load {load:.1f})".format(f"{kind} {what}", **measured))
        for buyers in parts.values():
            buyers.stop()
    finally:
        web.stop()
    return found


def versus(found: dict, kind: str, key: str) -> float:
    ways = [median(row[key] for row in found[f"{kind} {what}"]) for what in ("claim", "nothing")]
    return ways[0] / ways[1]


def summary(called: list[dict], passed: dict) -> dict:
    at = {"buyers": 256, "what": "ours"}
    result = {
        "bench": "claims",
        "winners_ratio": round(min(ratio(called, 256, "few"), ratio(called, 256, "all")), 1),
        **{f"winners_ratio_{stock}_{buyers}": round(ratio(called, buyers, stock), 1)
           for buyers in (64, 256, 512) for stock in ("few", "all")},
        "winners_per_s": round(middle(called, "wins_per_s", stock="all", **at)),
        "usual_winners_per_s": round(middle(called, "wins_per_s", stock="all", what="usual", buyers=256)),
        "p99_ms": round(max(middle(called, "p99_ms", stock=stock, **at) for stock in ("few", "all")), 1),
        "usual_p99_ms": round(middle(called, "p99_ms", stock="all", what="usual", buyers=256), 1)}
    for kind in ("socket", "http"):
        rows = passed[f"{kind} claim"]
        result |= {f"{kind}_claims_per_s": round(median(row["per_s"] for row in rows)),
                   f"{kind}_vs_noop": round(versus(passed, kind, "per_s"), 2),
                   f"{kind}_vs_noop_cpu": round(1 / versus(passed, kind, "server_us"), 2),
                   f"{kind}_p99_ms": round(median(row["p99_ms"] for row in rows), 1)}
    everything = [row for rows in passed.values() for row in rows]
    return {**result, "client_share_most": round(max(row["client_share"] for row in everything), 2),
            "errors": sum(row["other"] for row in everything)}


def main() -> None:
    rounds = int(os.environ.get("ROUNDS", "3"))
    folder = Path(tempfile.mkdtemp(prefix="livestall-bench-"))
    try:
        env = environment(embedded.start(folder, durable=True), folder)
        app = create_app(config.load(env, env_file=None), SOCKET_MODE="threading")
        migrations.upgrade(engine())
        called = functions(env, rounds)
        passed = doors(env, app, folder, rounds)
        result = {**summary(called, passed), "rounds": rounds, "oversold": claims_shop.oversold(),
                  "rules_broken": claims_shop.broken(USUAL_BREAKS), "load": os.getloadavg()[0]}
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)
    say(json.dumps(result))


# The usual way writes holds that have no answer, no count, and no time to live.
USUAL_BREAKS = ("every answered claim", "a member's counted units", "no running hold is over")

if __name__ == "__main__":
    main()
