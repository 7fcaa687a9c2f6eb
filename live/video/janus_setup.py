"""Janus where it is installed: found, and run with settings of ours in DATA_DIR, its interface on the loopback."""
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from core.config import derived

# Everything but the two plugins and the one transport that are used.
PLUGINS = ("audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "textroom", "videocall",
           "voicemail")
TRANSPORTS = ("websockets", "rabbitmq", "mqtt", "nanomsg", "pfunix")


def find(config) -> str | None:
    """The program: JANUS, else the system's; None: not installed, or JANUS is off."""
    if config.janus == "off" or config.video != "embedded":
        return None
    if config.janus != "auto":
        return config.janus if os.access(config.janus, os.X_OK) else None
    return shutil.which("janus", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/local/bin",
                                                       "/opt/janus/bin"]))


def secret(config) -> str:
    """What web and the video office show to Janus; nobody else can reach it."""
    return derived(config.secret_key, "janus")[:40]


def write(config, folder: Path, port: int, log: Path) -> list[str]:
    """Its settings in `folder`; the arguments with which it reads them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, sections in settings(config, folder, port, log).items():
        path = folder / f"{name}.jcfg"
        path.touch(mode=0o600)
        path.write_text("".join(_section(*section) for section in sections.items()))
    return ["-F", str(folder), "-C", str(folder / "janus.jcfg")]


def settings(config, folder: Path, port: int, log: Path) -> dict[str, dict]:
    low, high = config.janus_ports
    key = secret(config)
    nat = {"nice_debug": False, "full_trickle": False, "ice_lite": False, "ignore_mdns": True}
    if config.janus_ip:
        nat["nat_1_1_mapping"] = config.janus_ip
    # Without an address of its own for the world it is for this machine or the own network.
    elif urlsplit(config.base_url).hostname in ("127.0.0.1", "localhost") and config.host == "127.0.0.1":
        nat["ice_enforce_list"] = "127.0.0.1"
    return {
        "janus": {
            "general": {"configs_folder": str(folder), "api_secret": key, "log_to_stdout": False,
                        "log_to_file": str(log), "debug_level": 3, "debug_timestamps": True, "session_timeout": 60,
                        "hide_dependencies": True, "server_name": "livestall"},
            "media": {"rtp_port_range": f"{low}-{high}"}, "nat": nat,
            "plugins": {"disable": ",".join(f"libjanus_{name}.so" for name in PLUGINS)},
            "transports": {"disable": ",".join(f"libjanus_{name}.so" for name in TRANSPORTS)},
            "events": {"broadcast": False}},
        "janus.transport.http": {
            "general": {"json": "compact", "base_path": "/janus", "http": True, "port": port, "ip": "127.0.0.1",
                        "https": False, "max_http_buffer": 0},
            "admin": {"admin_http": False, "admin_https": False}},
        "janus.plugin.videoroom": {"general": {"admin_key": key, "string_ids": True}},
        "janus.plugin.streaming": {"general": {"admin_key": key, "string_ids": True}}}


def _section(name: str, values: dict) -> str:
    lines = [f"\t{key} = {_value(value)}\n" for key, value in values.items()]
    return f"{name}: {{\n{''.join(lines)}}}\n"


def _value(value) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
