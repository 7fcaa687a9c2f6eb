"""nginx in front of several web processes on one machine (`WEB=4 make run`): deploy/nginx.conf with this run's places.

Why it is better than a shared port: a client that polls meets the process that knows it. Each process begins the ids
of its sockets with its number (core/sockets.py), and the number in a request's `sid` names the process.
"""
import os
import re
import resource
import shutil
import socket
import subprocess
from pathlib import Path

from core.config import PROJECT

# One process, no workers: it dies with the supervisor like every other child.
WORDS = ("-g", "daemon off; master_process off;")
FLV = "127.0.0.1:1936"  # where deploy/nginx.conf looks for the media server's websockets
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find() -> str | None:
    """The program, if it is installed; many systems keep it where only root looks."""
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def ports(count: int) -> list[int]:
    """Free ports on the loopback, for as many web processes."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return found


def words(program: str, folder: Path, listen: str, web_ports: list[int], flv: str = FLV) -> list[str] | None:
    """The command line that serves `listen` ("host:port") from these processes; writes its settings into `folder`.
    `flv` is where the media server's websockets are.

    None if this nginx does not take them (built without a module, its files elsewhere).
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "nginx.conf"
    path.write_text(settings(folder, listen, web_ports, flv))
    line = [program, "-p", str(folder), "-c", str(path)]
    tried = subprocess.run([*line, "-t"], capture_output=True, text=True, check=False)
    return [*line, *WORDS] if tried.returncode == 0 else None


def settings(folder: Path, listen: str, web_ports: list[int], flv: str = FLV) -> str:
    """deploy/nginx.conf, changed where this machine differs. Raises ValueError if that file no longer fits."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    changes = [
        (r"worker_rlimit_nofile \d+;", f"worker_rlimit_nofile {files};"),
        (r"worker_connections \d+;", f"worker_connections {min(40000, files)};"),
        (r"pid [^;]+;", f'pid "{folder}/nginx.pid";'),
        (r"http \{", "http {\n" + "".join(f'    {name}_temp_path "{folder}/{name}";\n' for name in TEMPORARY)),
        (r"(?s)    upstream web \{.*?\n    \}\n", upstreams(web_ports)),
        (r"listen 80 default_server", f"listen {listen} default_server"),
        (rf"server {re.escape(FLV)};", f"server {flv};"),
        (r" +include /etc/nginx/tls/[^;]+;\n", ""),
        (r"alias /srv/static/;", f'alias "{PROJECT}/static/";'),
        (r"alias /srv/static/\$1;", f'alias "{PROJECT}/static/$1";'),
        (r"alias /srv/static/favicon.png;", f'alias "{PROJECT}/static/favicon.png";'),
        (r"(?s)(location /socket\.io/ \{\s+proxy_pass http://)web;", r"\g<1>$web;"),
    ]
    text = (PROJECT / "deploy/nginx.conf").read_text("utf-8")
    for pattern, new in changes:
        text, found = re.subn(pattern, new if r"\g" in new else new.replace("\\", r"\\"), text)
        if found != 1:
            raise ValueError(f"deploy/nginx.conf has {found} of {pattern!r}; core/proxy.py expects one")
    return text


def upstreams(web_ports: list[int]) -> str:
    """All processes together, each by itself, and the map from a socket's id to the one that knows it."""
    server = "server 127.0.0.1:{} max_fails=3 fail_timeout=2s;"
    lines = ["    upstream web {", "        least_conn;", *(f"        {server.format(port)}" for port in web_ports),
             "        keepalive 64;", "    }"]
    for number, port in enumerate(web_ports, 1):
        lines += [f"    upstream web{number} {{", f"        server 127.0.0.1:{port};", "        keepalive 16;", "    }"]
    lines += ["    map $arg_sid $web {", "        default web;"]
    lines += [rf"        ~^{number}\. web{number};" for number in range(1, len(web_ports) + 1)]
    return "\n".join([*lines, "    }", ""])
