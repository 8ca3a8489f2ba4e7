import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.backplane.sqlite.file import file_identity
from hub.errors import SettingsError
from tests.backplane.sqlite.conftest import Open
from tests.backplane.steps import accept, take, write, written

NOBODY = 65534


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """An empty folder, and rights that can be missing: the superuser writes wherever it likes."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        superuser = os.geteuid() == 0
        if superuser:
            os.chown(folder, NOBODY, -1)
            os.seteuid(NOBODY)
        yield Path(folder)
        os.chmod(folder, 0o755)
        if superuser:
            os.seteuid(0)


async def refused(open_file: Open, path: Path) -> str:
    """The sentence; and that nothing stays behind."""
    threads = threading.enumerate()
    with pytest.raises(SettingsError) as caught:
        await open_file(path)
    assert threading.enumerate() == threads
    text = str(caught.value)
    assert str(path) in text or str(path.parent) in text
    assert "\n" not in text and text.endswith(".")
    return text


async def test_directory_is_missing(open_file: Open, tmp_path: Path) -> None:
    text = await refused(open_file, tmp_path / "no" / "hub.db")
    assert "does not exist" in text
    assert not (tmp_path / "no").exists()


async def test_path_is_a_directory(open_file: Open, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "cannot be written" in await refused(open_file, tmp_path / "folder")


async def test_directory_is_not_writable(open_file: Open, unprivileged: Path) -> None:
    os.chmod(unprivileged, 0o555)
    assert "cannot be written" in await refused(open_file, unprivileged / "hub.db")


async def test_file_is_not_writable(open_file: Open, unprivileged: Path) -> None:
    backplane = await open_file(unprivileged / "hub.db")
    await backplane.close()
    os.chmod(unprivileged / "hub.db", 0o444)
    assert "cannot be written" in await refused(open_file, unprivileged / "hub.db")


async def test_file_is_not_a_database(open_file: Open, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"shopping: eggs\n" * 100)
    assert "not a usable SQLite database" in await refused(open_file, path)
    assert path.read_bytes().startswith(b"shopping")


async def test_file_is_damaged(open_file: Open, tmp_path: Path) -> None:
    backplane = await open_file()
    await backplane.close()
    path = tmp_path / "hub.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * 3000 + whole[3100:])
    assert "not a usable SQLite database" in await refused(open_file, path)


async def test_file_is_of_another_program(open_file: Open, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE entries (x)")
    connection.commit()
    connection.close()
    assert "another program" in await refused(open_file, tmp_path / "other.db")


async def test_file_is_of_a_newer_schema(open_file: Open, tmp_path: Path) -> None:
    backplane = await open_file()
    await backplane.close()
    connection = sqlite3.connect(tmp_path / "hub.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "newer version" in await refused(open_file, tmp_path / "hub.db")


async def test_file_is_served_already(open_file: Open, tmp_path: Path) -> None:
    first = await open_file()
    text = await refused(open_file, tmp_path / "hub.db")
    assert "served by another process" in text and "--backplane sqlite:///FILE" in text
    await write(first, (await take(first)).fence, "still works")
    await first.close()
    second = await open_file()
    assert await written(second) == [(1, "still works")]


async def test_empty_file_becomes_a_database(open_file: Open, tmp_path: Path) -> None:
    (tmp_path / "hub.db").touch()
    backplane = await open_file()
    assert (await accept(backplane, "a")).outcome == "new"


async def test_files_are_for_their_owner_alone(open_file: Open, tmp_path: Path) -> None:
    backplane = await open_file()
    await write(backplane, (await take(backplane)).fence, "private")
    names = os.listdir(tmp_path)
    assert len(names) == 4  # the file, its log and index, and the lock
    assert {os.stat(tmp_path / name).st_mode & 0o077 for name in names} == {0}


async def test_closing_leaves_one_whole_file(open_file: Open, tmp_path: Path) -> None:
    backplane = await open_file()
    await write(backplane, (await take(backplane)).fence, "a")
    await backplane.close()
    assert set(os.listdir(tmp_path)) == {"hub.db", "hub.db-lock"}
    moved = tmp_path / "moved.db"
    (tmp_path / "hub.db").rename(moved)
    assert await written(await open_file(moved)) == [(1, "a")]


async def test_identity_stays_with_the_file_and_not_with_a_copy(open_file: Open, tmp_path: Path) -> None:
    backplane = await open_file()
    path, copy = str(tmp_path / "hub.db"), str(tmp_path / "copy.db")
    identity = file_identity(path)
    await write(backplane, (await take(backplane)).fence, "a")
    await backplane.close()
    assert file_identity(path) == identity
    shutil.copy(path, copy)
    assert file_identity(copy) != identity
    os.replace(copy, path)
    assert file_identity(path) != identity
