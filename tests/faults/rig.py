"""A shop to break: PostgreSQL on a small disk of its own, Valkey, two web processes, two relays and a worker, with our
proxies between buyers and web, web and Valkey, and the second web process and PostgreSQL.

Every process is started here and recorded, so that a signal goes to one of ours. What dies starts again after a second,
as the supervisor or systemd would do it.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import redis

from core.children import PR_SET_PDEATHSIG, prctl
from core.embedded import postgres, server, valkey
from tests.faults.proxy import Proxy
from tests.stack import ROOT, free_port, new_database

DISK_MB = 2000  # 72 faults write some 500 MB; the file has holes where nothing was written
CGROUPS = Path("/sys/fs/cgroup/blkio")
VALKEY = 'dir "{folder}"\nbind 127.0.0.1\nport {port}\nsave ""\nappendonly no\nmaxmemory-policy noeviction\n'


def die_with_me() -> None:
    """In a new child: nothing is left behind should the rig itself be killed."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Rig:
    """`with Rig(folder) as rig:`; names are web1, web2, relay1, relay2, worker."""

    names = ("web1", "web2", "relay1", "relay2", "worker")

    def __init__(self, folder: Path):
        self.folder, self.processes, self.wanted = Path(folder), {}, set()
        self.disk = self.cgroup = self.valkey = None
        self.again: dict[str, int] = {}  # how often keep_up started whom
        self.port, self.valkey_port = free_port(), free_port()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        self.home = server.private(self.folder / "data") / "postgres"
        self._mount()
        cluster_url = postgres.start(self.home)
        self.database_url = new_database(cluster_url)
        self.start_valkey()
        socket_folder = parse_qs(urlsplit(cluster_url).query)["host"][0]
        self.front = Proxy(("127.0.0.1", self.port))
        self.to_valkey = Proxy(("127.0.0.1", self.valkey_port))
        self.to_postgres = Proxy(f"{socket_folder}/.s.PGSQL.5432")
        database = urlsplit(self.database_url).path
        self.piped_url = f"postgresql://app@127.0.0.1:{self.to_postgres.port}{database}"
        self.url = f"http://127.0.0.1:{self.front.port}"
        self.run("migrate")

    def start_all(self) -> None:
        for name in self.names:
            self.start(name)
        self.wait_ready(240)

    def __exit__(self, *_):
        self.wanted.clear()
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.valkey:
            self.valkey.kill()
            self.valkey.wait()
        server.release(self.home)
        self._unmount()

    # -- processes

    def env(self, name: str) -> dict:
        failpoints = self.folder / "failpoints" / name
        failpoints.mkdir(parents=True, exist_ok=True)
        shared = {**os.environ, "APP_ENV": "development", "SECRET_KEY": "f" * 40, "BASE_URL": self.url, "DEMO": "0",
                  "ALLOWED_ORIGINS": f"{self.url},http://127.0.0.1:{self.port}",
                  "DATA_DIR": str(self.folder / "data"), "PORT": str(self.port), "LOG_FORMAT": "json",
                  "DATABASE_URL": self.piped_url if name == "web2" else self.database_url,
                  "REDIS_URL": f"redis://127.0.0.1:{self.valkey_port}/0"}
        if name.startswith("web"):
            shared["REDIS_URL"] = f"redis://127.0.0.1:{self.to_valkey.port}/0"
            shared["FAILPOINTS"] = str(failpoints)
        return shared

    def run(self, *words) -> str:
        done = subprocess.run([sys.executable, "app.py", *words], cwd=ROOT, env=self.env("chore"), capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, name: str) -> None:
        words = {"web": ["web"], "relay": ["relay"], "worker": ["worker"]}[name.rstrip("12")]
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen([sys.executable, "app.py", *words], cwd=ROOT, env=self.env(name),
                                                    stdout=log, stderr=log, preexec_fn=die_with_me)
        self.wanted.add(name)

    def pid(self, name: str) -> int:
        return self.processes[name].pid

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        self.processes[name].send_signal(number)

    def keep_up(self) -> None:
        """One look: who died is started again; an embedded PostgreSQL whose keeper gave up as well."""
        for name in sorted(self.wanted):
            if self.processes[name].poll() is not None:
                self.start(name)
                self.again[name] = self.again.get(name, 0) + 1
        if not server.alive(self.home):
            with contextlib.suppress(server.ServerError):
                postgres.start(self.home)

    def arm(self, point: str, action: str = "kill", names=("web1", "web2")) -> None:
        for name in names:
            (self.folder / "failpoints" / name / point).write_text(action)

    def hit(self, point: str) -> list[str]:
        return [name for name in ("web1", "web2") if (self.folder / "failpoints" / name / f"{point}.hit").exists()]

    def restarted(self, name: str) -> int:
        """How often it was started again since this was asked last."""
        return self.again.pop(name, 0)

    def disarm(self) -> None:
        for path in (self.folder / "failpoints").glob("*/*"):
            path.unlink()

    def restart(self, *names) -> None:
        """SIGTERM, wait, start again: how a new version is rolled out."""
        for name in names:
            self.wanted.discard(name)
            self.kill(name, signal.SIGTERM)
            self.processes[name].wait(20)
            self.start(name)

    def ready(self) -> bool:
        """Whether the shop says that all is well."""
        import http.client
        import json
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            connection.request("GET", "/readyz", headers={"Host": urlsplit(self.url).netloc})
            return json.loads(connection.getresponse().read()).get("status") == "ready"
        except (OSError, ValueError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_ready(self, seconds: float = 180.0) -> None:
        """Until six looks in a row are good: the kernel deals them out among the web processes."""
        end, good = time.monotonic() + seconds, 0
        while good < 6:
            good = good + 1 if self.ready() else 0
            if time.monotonic() > end:
                logs = "\n".join(f"--- {p.name}\n{p.read_text()[-1500:]}" for p in self.folder.glob("*.log"))
                raise AssertionError(f"not ready after {seconds} s\n{logs}")
            time.sleep(0.05 if good else 0.2)

    # -- Valkey

    def start_valkey(self) -> None:
        folder = server.private(self.folder / "data" / "valkey")
        config = VALKEY.format(folder=folder, port=self.valkey_port)
        with open(self.folder / "valkey.log", "ab") as log:
            self.valkey = subprocess.Popen([valkey.find_program({}), "-"], stdin=subprocess.PIPE, stdout=log,
                                           stderr=log, preexec_fn=die_with_me)
        self.valkey.stdin.write(config.encode())
        self.valkey.stdin.close()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(redis.RedisError):
                if self.redis().ping():
                    return
            time.sleep(0.05)
        raise AssertionError("Valkey does not start")

    def redis(self) -> redis.Redis:
        return redis.Redis(port=self.valkey_port, socket_timeout=2)

    def kill_valkey(self) -> None:
        self.valkey.kill()
        self.valkey.wait()

    def keep_dump(self) -> None:
        """Remember what Valkey knows at this moment."""
        self.redis().save()
        shutil.copy(self.folder / "data/valkey/dump.rdb", self.folder / "old.rdb")

    def old_dump_back(self) -> None:
        shutil.copy(self.folder / "old.rdb", self.folder / "data/valkey/dump.rdb")

    # -- PostgreSQL

    def postmaster(self) -> int:
        return int((self.home / "cluster/postmaster.pid").read_text().split("\n")[0])

    def postgres_pids(self) -> list[int]:
        """The postmaster and its children."""
        mother, found = self.postmaster(), []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                if int((path / "stat").read_text().rsplit(")", 1)[1].split()[1]) == mother:
                    found.append(int(path.name))
        return [mother, *found]

    # -- the disk

    def _mount(self) -> None:
        """A file system of its own in a file, so that it can be full and slow. Without the right to mount: none."""
        self.home.mkdir(mode=0o700)
        image = self.folder / "disk.img"
        with open(image, "wb") as file:
            file.truncate(DISK_MB * 2**20)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True)
        mounted = made.returncode == 0 and subprocess.run(
            ["mount", "-o", "loop", str(image), str(self.home)], capture_output=True).returncode == 0
        if mounted:
            self.disk = os.stat(self.home).st_dev

    def _unmount(self) -> None:
        if self.cgroup:
            for pid in (self.cgroup / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    (CGROUPS / "cgroup.procs").write_text(pid)
            self.cgroup.rmdir()
        for _ in range(20):
            if not self.disk or subprocess.run(["umount", str(self.home)], capture_output=True).returncode == 0:
                return
            time.sleep(0.5)
        subprocess.run(["umount", "-l", str(self.home)], capture_output=True)

    def fill_disk(self) -> None:
        """Until nothing more fits."""
        size = os.statvfs(self.home).f_bavail * os.statvfs(self.home).f_frsize
        # Unbuffered: what did not fit would be tried again at the file's close, and fail there.
        with open(self.home / "ballast", "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, size)
            file.seek(0, os.SEEK_END)
            with contextlib.suppress(OSError):
                for _ in range(100_000):
                    file.write(b"\0" * 4096)

    def free_disk(self) -> None:
        (self.home / "ballast").unlink(missing_ok=True)

    def slow_disk(self, writes_per_second: int) -> bool:
        """Let PostgreSQL write only so often to its disk (cgroup v1, blkio); False where that is not to be had."""
        if not self.disk or not (CGROUPS / "cgroup.procs").exists():
            return False
        self.cgroup = CGROUPS / f"livestall-faults-{os.getpid()}"
        self.cgroup.mkdir(exist_ok=True)
        for pid in self.postgres_pids():
            with contextlib.suppress(OSError):
                (self.cgroup / "cgroup.procs").write_text(str(pid))
        limit = f"{os.major(self.disk)}:{os.minor(self.disk)} {writes_per_second}"
        (self.cgroup / "blkio.throttle.write_iops_device").write_text(limit)
        return True

    def quick_disk(self) -> None:
        self.slow_disk(0)  # 0 takes the limit away
