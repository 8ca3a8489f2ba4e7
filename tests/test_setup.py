"""The setup script and the Makefile: on machines that lack something, each says in one sentence what to install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDINARY = ("bash", "cat", "cp", "dirname", "env", "id", "ln", "mkdir", "rm", "sh", "touch")
WORKSPACES = ("clients/typescript/web/package.json", "tests/interop/package.json")


def run(command: list[str], folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with the system's ordinary programs, but no Python, none that installs, none that the tests need."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ORDINARY:
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What of the repository the setup needs, where it can leave its stamps."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "package.json", "package-lock.json", "scripts"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    for name in WORKSPACES:
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def fake(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.mark.parametrize("script", ["scripts/setup", ".ci/run"])
def test_scripts_are_valid_and_executable(script: str) -> None:
    checked = subprocess.run(["bash", "-n", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert os.access(ROOT / script, os.X_OK)


@pytest.mark.parametrize(
    ("step", "names"),
    [("python", "Python 3.11"), ("programs", "redis-server"), ("node", "Node.js 20.19")],
)
def test_what_is_missing_is_named_in_the_last_line(clone: Path, bare_path: str, step: str, names: str) -> None:
    answer = run(["scripts/setup", step], clone, bare_path)
    assert answer.returncode == 1
    last = answer.stderr.strip().splitlines()[-1]
    assert names in last
    assert "install it" in last
    assert "Traceback" not in answer.stderr


def test_an_old_python_is_not_taken(clone: Path, bare_path: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    old = tmp_path_factory.mktemp("old")
    fake(old, "python3", "exit 1")  # "is this 3.11 or later?" no
    answer = run(["scripts/setup", "python"], clone, f"{old}:{bare_path}")
    assert answer.returncode == 1
    assert "Python 3.11 or later" in answer.stderr


def test_chromium_is_asked_for_once_redis_is_there(
    clone: Path, bare_path: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    programs = tmp_path_factory.mktemp("programs")
    fake(programs, "redis-server", "exit 0")
    fake(programs, "nginx", "exit 0")
    fake(programs, "cc", "exit 0")
    answer = run(["scripts/setup", "programs"], clone, f"{programs}:{bare_path}")
    assert answer.returncode == 1
    assert "Chromium" in answer.stderr
    fake(programs, "chromium", "exit 0")
    assert run(["scripts/setup", "programs"], clone, f"{programs}:{bare_path}").returncode == 0


def test_apt_installs_what_is_missing(clone: Path, bare_path: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    programs = tmp_path_factory.mktemp("apt")
    fake(programs, "nginx", "exit 0")
    fake(programs, "cc", "exit 0")
    fake(programs, "id", "echo 0")
    # A fresh machine: installing works only after an update.
    fake(
        programs,
        "apt-get",
        f'echo "$@" >>{programs}/asked\n'
        f"case $1 in update) touch {programs}/lists;; esac\n"
        f"[ -e {programs}/lists ] || exit 100\n"
        f'for package; do :; done; case $1 in install) cp {programs}/id {programs}/"$package";; esac',
    )
    answer = run(["scripts/setup", "programs"], clone, f"{programs}:{bare_path}")
    assert (answer.returncode, answer.stderr.count("Installing")) == (0, 2)
    asked = (programs / "asked").read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in asked] == ["install", "update", "install", "install"]


def test_make_run_without_node_says_so_and_goes_on(clone: Path, bare_path: str) -> None:
    answer = run(["scripts/setup", "node-if-possible"], clone, bare_path)
    assert answer.returncode == 1
    assert "the hub and its API run" in answer.stderr.strip().splitlines()[-1]
    makefile = (clone / "Makefile").read_text(encoding="utf-8")
    assert "@if scripts/setup node-if-possible; then" in makefile


def test_an_unknown_step_is_refused(clone: Path, bare_path: str) -> None:
    assert run(["scripts/setup", "coffee"], clone, bare_path).returncode == 1


def test_stamps_of_another_place_do_not_count(clone: Path) -> None:
    (clone / ".setup").mkdir()
    (clone / ".setup" / "place").write_text("/elsewhere\n", encoding="utf-8")
    (clone / ".setup" / "programs").touch()
    plan = run(["make", "-n", "setup"], clone, os.environ["PATH"])
    assert plan.returncode == 0, plan.stderr
    assert "scripts/setup programs" in plan.stdout
    assert (clone / ".setup" / "place").read_text(encoding="utf-8").strip() == str(clone.resolve())


def test_a_step_is_done_again_when_its_lock_changes(clone: Path) -> None:
    path = os.environ["PATH"]
    run(["make", "-n", "setup"], clone, path)
    for made in (".venv/bin/hubline", "node_modules/x", "hub/viewer/index.html"):
        (clone / made).parent.mkdir(parents=True, exist_ok=True)
        (clone / made).touch()
    for stamp in ("python", "node", "viewer", "programs"):
        (clone / ".setup" / stamp).touch()
    assert run(["make", "-n", "setup"], clone, path).stdout.count("scripts/setup") == 0
    later = (clone / ".setup" / "python").stat().st_mtime + 10
    os.utime(clone / "requirements.lock", (later, later))
    assert "scripts/setup python" in run(["make", "-n", "setup"], clone, path).stdout
    (clone / "hub/viewer/index.html").unlink()
    assert "build -w hubline-viewer" in run(["make", "-n", "setup"], clone, path).stdout
