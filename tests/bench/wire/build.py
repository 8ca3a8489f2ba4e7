"""Compiles the load generator and the limit server with the machine's C compiler."""

import shutil
import subprocess
from pathlib import Path

from tests.bench.peers.install import PLACE, once

_SOURCES = Path(__file__).parents[1] / "load"
_FOLDER = PLACE / "load"
_PROGRAMS = {"load": ("load.c", "client.c"), "limit": ("limit.c",)}


class NoCompiler(Exception):
    """The text says what to install."""


def programs() -> Path:
    """The folder with `load` and `limit`, compiled when their sources have changed."""
    once(_FOLDER, _SOURCES.iterdir(), _compile)
    return _FOLDER


def _compile() -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler(
            "The wire benchmarks need a C compiler: install one (on Debian: apt-get install gcc libc6-dev)."
        )
    for name, files in _PROGRAMS.items():
        sources = [str(_SOURCES / file) for file in files]
        command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", str(_FOLDER / name), *sources]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise NoCompiler(f"{compiler} could not compile {name}: {done.stderr.strip()[-500:]}")
