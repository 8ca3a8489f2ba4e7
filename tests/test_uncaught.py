"""A wrong setting under somebody else's server: one sentence and code 2, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import clean_environment

APP = """
from hub import Hubline
Hubline(backplane="memory://")
app = Hubline(backplane="memory://")
{more}
"""


def served(folder: Path, more: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    (folder / "served.py").write_text(APP.format(more=more), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "uvicorn", "served:app", "--port", "0"],
        cwd=folder,
        env=clean_environment(folder, environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"HUBLINE_PROVIDER": "nosuch"}, "hubline: There is no provider nosuch"),
        ({"HUBLINE_MAX_STEP": "7"}, "hubline: There is no setting HUBLINE_MAX_STEP: HUBLINE_MAX_STEPS may be meant."),
    ],
)
def test_uvicorn_ends_with_the_sentence(tmp_path: Path, environment: dict[str, str], says: str) -> None:
    ended = served(tmp_path, "", environment)
    assert ended.returncode == 2
    assert ended.stderr.startswith(says)
    assert ended.stderr.count("\n") == 1


def test_a_start_that_fails_is_told_in_a_sentence(tmp_path: Path) -> None:
    wrong = f"app = Hubline(backplane='sqlite:///{tmp_path}/missing/hub.db')"
    ended = served(tmp_path, wrong)
    assert ended.returncode == 3  # uvicorn's
    assert "missing of the database file does not exist; create it or name another file." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_other_errors_keep_their_traceback(tmp_path: Path) -> None:
    ended = served(tmp_path, "raise KeyError('mine')")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert "KeyError: 'mine'" in ended.stderr
