"""docs/files.md: its example is run, its lists are the hub's."""

import re
from pathlib import Path

from hub.app import Hubline
from hub.config import Settings
from hub.runs.files.kinds import MEDIA_TYPES

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_example_adds_a_tool() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, object] = {}
    exec(compile(code, "docs/files.md", "exec"), found)
    app = found["app"]
    assert isinstance(app, Hubline)
    assert app.tools.get("export") is not None


def test_types_and_settings_are_those_of_the_hub() -> None:
    assert set(re.findall(r"`((?:image|application|text)/[a-z]+)`", PAGE)) == set(MEDIA_TYPES)
    told = {name: int(number) for name, number in re.findall(r"\| `--(max-[a-z-]+)` \| (\d+) \|", PAGE)}
    assert told == {
        name.replace("_", "-"): Settings.model_fields[name].default
        for name in ("max_file_bytes", "max_session_files_bytes")
    }
