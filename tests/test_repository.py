"""What holds for the repository as a whole: its lock files, its words, what it says of itself, its shape."""

import ast
import json
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PIP_LOCKS = ("requirements.lock", "scripts/node.lock")


def tracked() -> list[Path]:
    """The files under version control, and those that would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((str(path.relative_to(ROOT)), content.decode("utf-8", errors="replace")))
    return found


def locked() -> dict[str, Version]:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {name: Version(version) for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)}


# The patterns are written so that this file does not match them.
@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a package registry's host", r"(registry[.]npmjs|pypi[.]org|pythonhosted[.]org|repo1?[.]maven|crates[.]io)"),
        ("a developer's own path", r"(?<![\w.}])/(?:Users|home|root|work)/[\w.]"),
        (
            "who or what wrote it",
            r"(?i)co-authored[-]by|(?:generated|written|created) (?:by|with) (?:an? )?(?:ai\b|llm)",
        ),
    ],
)
def test_no_file_names(what: str, pattern: str) -> None:
    wrong = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not wrong, f"names {what}: {wrong}"


def test_lock_files_hold_no_download_address() -> None:
    for name in PIP_LOCKS:
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [entry["resolved"] for entry in packages.values() if "://" in entry.get("resolved", "")] == []


@pytest.mark.parametrize("name", PIP_LOCKS)
def test_every_locked_package_has_its_hashes(name: str) -> None:
    entries = re.split(r"^(?=\S)", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_npm_package_has_its_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    fetched = {
        name: entry for name, entry in packages.items() if "node_modules/" in f"{name}/" and not entry.get("link")
    }
    assert fetched
    assert [name for name, entry in fetched.items() if not entry.get("integrity") and not entry.get("inBundle")] == []


def test_the_lock_satisfies_every_requirement() -> None:
    versions = locked()
    for text in (*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]):
        requirement = Requirement(text)
        assert requirement.name in versions, f"{requirement.name} is not locked: run `make lock`"
        assert requirement.specifier.contains(versions[requirement.name]), f"{text}: run `make lock`"


def test_the_version_is_the_same_everywhere() -> None:
    version = PYPROJECT["project"]["version"]
    assert metadata.version("hubline") == version
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "Copyright the Hubline authors" in text


# The glossary's banned words, in the names of files, functions and classes.
BANNED = re.compile(r"(?:^|_)(?:manager|handler|service|helper|util|utils|common|misc)s?(?:_|$)|^_*(?:do|process)_")


def words(name: str) -> str:
    """A name in snake_case, whatever case it was written in."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("path", sorted((ROOT / "hub").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_uses_a_banned_word(path: Path) -> None:
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    module = ast.parse(path.read_text(encoding="utf-8"))
    names = [path.stem, *(node.name for node in ast.walk(module) if isinstance(node, definitions))]
    assert [name for name in names if BANNED.search(words(name))] == []
