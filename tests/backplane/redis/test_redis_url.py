import pytest

from hub.backplane.redis.url import Address, Target, parse
from hub.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("redis://h", Target("single", (Address("h", 6379),))),
        ("redis://h:1/2", Target("single", (Address("h", 1),), db=2)),
        ("rediss://u:p%40@h", Target("single", (Address("h", 6379),), username="u", password="p@", is_tls=True)),
        ("redis://:p@[::1]:7", Target("single", (Address("::1", 7),), password="p")),
        ("redis+unix:///tmp/a%20b.sock?db=1", Target("single", (Address("/tmp/a b.sock", 0),), db=1)),
        (
            "redis+sentinel://:p@a,b:1/main/3",
            Target("sentinel", (Address("a", 26379), Address("b", 1)), "main", password="p", db=3),
        ),
        ("redis+cluster://a:1,b", Target("cluster", (Address("a", 1), Address("b", 6379)))),
    ],
)
def test_what_an_address_says(url: str, target: Target) -> None:
    assert parse(url) == target
    assert "p@" not in str(target)


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:x",
        "redis://h/db",
        "redis://h/1/2",
        "redis://h?db=1",
        "redis://h#1",
        "redis://a,b",
        "redis+unix://h/path",
        "redis+unix:///",
        "redis+sentinel://a,b",
        "redis+cluster://a/1",
        "redis+cluster://a,,b",
        "redis+tor://a",
        "http://a",
        "redis://ann:hidden@h o",
    ],
)
def test_a_wrong_one_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(url)
    text = str(caught.value)
    assert text.startswith("--backplane (HUBLINE_BACKPLANE)")
    assert text.endswith(".")
    assert "hidden" not in text
