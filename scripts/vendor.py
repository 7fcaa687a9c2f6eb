"""Copy what pages and browser tests use of node_modules into static/vendor (git-ignored, served as it is)."""
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "static/vendor"
PAGES = {"socket.io.esm.min.js": "socket.io-client/dist/socket.io.esm.min.js",
         "socket.io.LICENSE": "socket.io-client/LICENSE",
         "hls.mjs": "hls.js/dist/hls.min.mjs", "hls.worker.js": "hls.js/dist/hls.worker.js",
         "hls.LICENSE": "hls.js/LICENSE", "mpegts.js": "mpegts.js/dist/mpegts.js",
         "mpegts.LICENSE": "mpegts.js/LICENSE"}
TESTS = {"axe.min.js": "axe-core/axe.min.js"}  # dev only: the image leaves it out


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, source in {**PAGES, **TESTS}.items():
        path = ROOT / "node_modules" / source
        if not path.exists():
            if name in TESTS:
                continue
            print(f"node_modules/{source} is missing: npm ci --ignore-scripts", file=sys.stderr)
            return 1
        fresh = TARGET / f"{name}.new"
        if name.endswith((".js", ".mjs")):
            # The map is not copied, and a browser would ask for it in vain.
            fresh.write_text(re.sub(r"\n//# sourceMappingURL=.*", "", path.read_text("utf-8")), "utf-8")
        else:
            shutil.copyfile(path, fresh)
        fresh.replace(TARGET / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
