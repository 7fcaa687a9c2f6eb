"""`make bench-fanout`: how much CPU a delivered message costs, ours beside a Node socket.io server, in one run.

One room, 150-byte events, 500, 2,000 and 5,000 websocket clients of one load client (load.c). *Immediate*: every event
is written by itself, as fast as the server can. *Coalesced*: 500 events a second to 2,000 clients, a million updates
a second, with the product's pause. The last line is JSON; figures are medians of the rounds.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from core.children import raise_file_limit  # noqa: E402

SIZES = (500, 2000, 5000)
IMMEDIATE_MESSAGES = 200_000  # a round
UPDATES_PER_SECOND = 1_010_000  # a hundredth more: the figure is taken until the last client has the last one
PING_SECONDS = 10
COALESCED_SECONDS = 25  # two pings of every client
PATIENCE_SECONDS = 60  # without anything heard: what is missing then is lost
NODE = shutil.which("node") or str(HERE.parents[1] / ".venv/bin/node")


def pinned(cpu: int):
    """Servers on one core, the load client on another, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[cpu % len(cores)]})


class Server:
    """One server under test."""

    def __init__(self, words: list[str]):
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=HERE, preexec_fn=pinned(0))
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{words[1]} did not start; its lines are above. (npm ci --ignore-scripts installs the peer.)")
        self.port = int(line)
        self.empty_kb = self.state()["rss_kb"]

    @classmethod
    def ours(cls, pause: float):
        return cls([sys.executable, str(HERE / "fanout_server.py"), "0", "--pause", str(pause),
                    "--ping", str(PING_SECONDS)])

    @classmethod
    def node(cls):
        return cls([NODE, str(HERE / "fanout_peer.cjs"), "0", str(PING_SECONDS * 1000)])

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read().decode()

    def state(self) -> dict:
        return json.loads(self.get("/state"))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Load:
    """The load client on one server."""

    def __init__(self, program: Path, server: Server, clients: int):
        self.process = subprocess.Popen([program, str(server.port), str(clients), "100"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=pinned(1))
        self.clients = clients
        ready = json.loads(self.process.stdout.readline())
        if ready["ready"] != clients:
            sys.exit(f"only {ready['ready']} of {clients} clients connected")

    def ask(self, command: str) -> dict:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)


def measure(server: Server, load: Load, events: int, rate: float) -> dict:
    """Tell so many events and see what arrives and what that costs."""
    load.ask("reset")
    before, began = server.state(), time.monotonic()
    server.get(f"/start?events={events}&rate={rate}")
    expected, last = events * load.clients, (0, began)
    while True:
        time.sleep(0.1)
        got = load.ask("report")
        if got["events"] != last[0]:
            last = (got["events"], time.monotonic())
        if got["events"] >= expected or time.monotonic() - last[1] > PATIENCE_SECONDS:
            break
    after, seconds = server.state(), max(0.001, last[1] - began)
    return {**got, "us": (after["cpu"] - before["cpu"]) / max(1, got["events"]) * 1e6, "seconds": seconds,
            "server_cpu": (after["cpu"] - before["cpu"]) / seconds, "client_cpu": got["cpu"] / seconds,
            "lost": expected - got["events"] + got["wrong_order"] + got["dead"],
            "kb": (after["rss_kb"] - server.empty_kb) / load.clients}


def immediate(program: Path, clients: int, rounds: int, messages: int) -> dict:
    """Rounds of ours and Node's, by turns, with both servers' clients connected all the time."""
    servers = {"ours": Server.ours(0), "node": Server.node()}
    loads = {name: Load(program, server, clients) for name, server in servers.items()}
    found = {"ours": [], "node": []}
    try:
        for n in range(rounds + 1):  # the first warms up
            for name in sorted(found, reverse=bool(n % 2)):
                result = measure(servers[name], loads[name], messages // clients, 0)
                if n:
                    found[name].append(result)
    finally:
        for part in (*loads.values(), *servers.values()):
            part.stop()
    ratios = [node["us"] / ours["us"] for ours, node in zip(found["ours"], found["node"], strict=True)]
    result = {"clients": clients, "ratio": statistics.median(ratios), "lost": sum(one["lost"] for one in found["ours"])}
    for name, rows in found.items():
        result[name] = {key: statistics.median(row[key] for row in rows) for key in
                        ("us", "p99_ms", "kb", "client_cpu")}
    show(f"{clients:>5} clients  ours {result['ours']['us']:5.1f} µs/message, {result['ours']['kb']:.0f} KB/client   "
         f"node {result['node']['us']:5.1f} µs/message, {result['node']['kb']:.0f} KB/client   "
         f"ratio {result['ratio']:.2f}   load client at {result['ours']['client_cpu']:.0%}")
    return result


def coalesced(program: Path, clients: int, rounds: int, seconds: int) -> dict:
    """A million updates a second, joined: medians, and what was lost in all."""
    server = Server.ours(0.05)
    load = Load(program, server, clients)
    rate, rows = UPDATES_PER_SECOND / clients, []
    try:
        for _ in range(rounds):
            rows.append(measure(server, load, int(rate * seconds), rate))
            show("  joined   {0:,.0f} updates/s, p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms, server {server_cpu:.0%}, "
                 "load client {client_cpu:.0%}, {pings} pings, {lost} lost".format(
                     rows[-1]["events"] / rows[-1]["seconds"], **rows[-1]))
    finally:
        load.stop()
        server.stop()
    middle = {key: statistics.median(row[key] for row in rows) for key in
              ("p50_ms", "p99_ms", "server_cpu", "client_cpu", "kb", "pings")}
    return {**middle, "per_second": statistics.median(row["events"] / row["seconds"] for row in rows),
            "lost": sum(row["lost"] for row in rows)}


def build(folder: str) -> Path:
    program = Path(folder) / "load"
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        sys.exit("A C compiler is needed for the load client: apt-get install gcc.")
    subprocess.run([compiler, "-O2", "-o", program, HERE / "load.c"], check=True)
    return program


def show(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--messages", type=int, default=IMMEDIATE_MESSAGES, help="of an immediate round")
    parser.add_argument("--seconds", type=int, default=COALESCED_SECONDS, help="of a coalesced round")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    raise_file_limit()
    load_before = os.getloadavg()[0]
    show(f"{os.cpu_count()} cores, load average {load_before:.1f} before")
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder)
        rows = {clients: immediate(program, clients, options.rounds, options.messages) for clients in options.sizes}
        joined = coalesced(program, 2000, options.rounds, options.seconds)
    main_size = 2000 if 2000 in rows else options.sizes[-1]
    print(json.dumps({
        "immediate_ratio": round(rows[main_size]["ratio"], 2),
        "immediate_ratios": {clients: round(row["ratio"], 2) for clients, row in rows.items()},
        "us_per_message": {clients: round(row["ours"]["us"], 2) for clients, row in rows.items()},
        "node_us_per_message": {clients: round(row["node"]["us"], 2) for clients, row in rows.items()},
        "coalesced_updates_per_s": round(joined["per_second"]), "p50_ms": joined["p50_ms"],
        "p99_ms": joined["p99_ms"], "server_cpu": round(joined["server_cpu"], 3),
        "client_cpu": round(joined["client_cpu"], 3), "pings": joined["pings"],
        "kb_per_client": round(max(joined["kb"], *(row["ours"]["kb"] for row in rows.values())), 1),
        "lost": joined["lost"] + sum(row["lost"] for row in rows.values()),
        "load_average": [round(load_before, 1), round(os.getloadavg()[0], 1)]}))


if __name__ == "__main__":
    main()
