"""A real `hubline serve` in a process of its own, for tests that need one."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HUBLINE = str(Path(sys.executable).parent / "hubline")


def clean_environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing from outside that is a setting: no key, no HUBLINE_…"""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", **(extra or {})}


@dataclass(slots=True)
class Running:
    """A server that serves. `log` grows while it runs."""

    url: str
    banner: str
    process: subprocess.Popen[str]
    log: list[str]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def end(self, number: int = signal.SIGTERM, within_s: float = 60.0) -> int:
        """Signal it and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(within_s)


@contextlib.contextmanager
def running(
    folder: Path,
    *flags: str,
    command: tuple[str, ...] = (HUBLINE, "serve"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Serve in `folder` (its database is there) on a free port, unless the flags say which."""
    port = () if "--port" in flags else ("--port", "0")
    process = subprocess.Popen(
        [*command, *port, *flags],
        cwd=folder,
        env=clean_environment(folder, environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    log: list[str] = []
    reading = threading.Thread(target=log.extend, args=(process.stderr,), daemon=True)
    reading.start()
    banner: list[str] = []
    found: re.Match[str] | None = None
    for line in process.stdout:
        banner.append(line)
        if found := re.search(r"https?://[\w.:\[\]-]+:\d+", line):
            break
    if found is None:
        process.wait(30)
        reading.join(30)
        raise AssertionError(f"it did not start ({process.returncode}): {''.join([*banner, *log])}")
    # What else the banner says, and whatever comes later; so that the pipe never fills up.
    rest = threading.Thread(target=banner.extend, args=(process.stdout,), daemon=True)
    rest.start()
    server = Running(found[0], "", process, log)
    try:
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        rest.join(30)
        reading.join(30)
        server.banner = "".join(banner)
        process.stdout.close()
        process.stderr.close()
