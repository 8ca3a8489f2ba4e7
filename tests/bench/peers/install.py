"""Puts what the peers need into .setup/bench, apart from the repository's own packages.

Each function installs once, and again when what it installs from has changed. `PeerMissing` says why it could not.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.bench.wire.peer import PeerMissing

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
PLACE = ROOT / ".setup" / "bench"


def node_program(name: str) -> str:
    """The path of `node` or `npm`; that of `make setup` first."""
    found = shutil.which(name, path=f"{ROOT / '.setup' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        raise PeerMissing(f"{name} is not installed: run `make setup`")
    return found


def run(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None, *, timeout_s: float = 600
) -> str:
    """What it prints; `PeerMissing` with its last words when it fails."""
    merged = {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(
            command, cwd=folder, env=merged, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"{Path(command[0]).name}: {error}") from error
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        said = "; ".join([line for line in lines if "rror" in line][:3] or lines[-3:])
        raise PeerMissing(f"{Path(command[0]).name} failed ({done.returncode}): {said}")
    return done.stdout


def once(folder: Path, sources: Iterable[Path], build: Callable[[], None]) -> None:
    """Call `build` on the empty `folder`, unless it was built there from the same sources."""
    digest = hashlib.sha256(str(folder).encode())
    for source in sorted(sources):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    stamp = folder / ".built-from"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build()
    stamp.write_text(digest.hexdigest())


def npm_ci(source: Path, folder: Path) -> None:
    """Install the locked packages of `source` in `folder`."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    run([node_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)


def node() -> Path:
    """The folder with the Node programs and their packages: modules are looked for from where a program lies."""
    source, folder = HERE / "node", PLACE / "node"
    once(folder, [source / "package.json", source / "package-lock.json"], lambda: npm_ci(source, folder))
    for program in source.glob("*.mjs"):
        shutil.copy(program, folder)
    return folder


def python() -> Path:
    """The interpreter of the Python peers' own environment."""
    source, folder = HERE / "python" / "requirements.txt", PLACE / "python"
    interpreter = folder / "bin" / "python"

    def build() -> None:
        run([sys.executable, "-m", "venv", str(folder)], PLACE)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        run([*pip, "-r", str(source)], PLACE)

    once(folder, [source], build)
    return interpreter
