import pytest

from hub.runs.files.kinds import MAX_NAME_CHARS, MEDIA_TYPES, clean_name, is_of_type, plain_type

CONTENTS = {
    "image/png": b"\x89PNG\r\n\x1a\n....",
    "image/jpeg": b"\xff\xd8\xff\xe0....",
    "image/gif": b"GIF89a....",
    "image/webp": b"RIFF\x04\0\0\0WEBPVP8 ",
    "application/pdf": b"%PDF-1.7\n...\x00",
    "text/plain": "Gr\u00fc\u00dfe\n".encode(),
    "text/csv": b"a,b\r\n1,2\r\n",
    "text/markdown": b"# Title\n",
}


def test_each_type_is_known_by_its_bytes_and_taken_for_no_other() -> None:
    assert set(CONTENTS) == set(MEDIA_TYPES)
    for media_type, content in CONTENTS.items():
        told = {other for other in MEDIA_TYPES if is_of_type(content, other)}
        assert media_type in told
        assert all(other == media_type or other.startswith("text/") for other in told)
        assert media_type.startswith("text/") or media_type == "image/gif" or told == {media_type}


@pytest.mark.parametrize("content", [b"MZ\x90\x00", b"a\x00b", b"\xff\xfe\x61", b"\x1b[31m", b"RIFF\0\0\0\0WAVE", b""])
def test_other_bytes_are_no_image(content: bytes) -> None:
    assert not any(is_of_type(content, kind) for kind in MEDIA_TYPES if not kind.startswith("text/"))
    assert not content or not is_of_type(content, "text/plain") or b"\x00" not in content


def test_texts_have_no_controls() -> None:
    assert not is_of_type(b"\x1b[31m", "text/plain")
    assert not is_of_type(b"a\x00b", "text/csv")
    assert not is_of_type(b"\xff", "text/markdown")


def test_a_text_is_looked_at_whole_wherever_it_is_cut() -> None:
    piece = 64 * 1024
    assert is_of_type(b"x" * (piece - 1) + "\u00e4".encode() + b"y" * piece, "text/plain")
    assert is_of_type(b"x" * (2 * piece - 2) + "\U0001f600".encode(), "text/plain")
    for bad in (b"\0", b"\x7f", b"\xff"):
        assert not is_of_type(b"x" * 3 * piece + bad, "text/plain")
        assert not is_of_type(b"x" * piece + bad + b"x" * piece, "text/plain")
    assert not is_of_type(b"x" * (piece - 1) + b"\xc3", "text/plain")  # half a character


def test_parameters_of_a_type_do_not_count() -> None:
    assert plain_type(" Text/CSV; charset=utf-8") == "text/csv"


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("chart.png", "chart.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a b.csv", "a b.csv"),
        ("..", "file"),
        ("", "file"),
        ("a/", "file"),
        ("in\r\nject: x.txt", "in  ject: x.txt"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("half\ud800.txt", "half.txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("nul\0.txt", "nul.txt"),
    ],
)
def test_names_hold_no_path_and_nothing_unseen(name: str, clean: str) -> None:
    assert clean_name(name) == clean
    assert clean_name(clean) == clean


def test_long_names_are_cut_and_keep_their_ending() -> None:
    assert clean_name("x" * 500 + ".png") == "x" * (MAX_NAME_CHARS - 4) + ".png"
    assert len(clean_name("x." + "y" * 500)) == MAX_NAME_CHARS
