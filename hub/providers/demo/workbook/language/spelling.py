"""Words that nobody knows, read as the one known word that is a letter away. What was read so is told, or asked."""

from collections.abc import Collection

MIN_LETTERS = 5
"""Shorter words have too many neighbours."""


def nearest(word: str, known: Collection[str]) -> str | None:
    """The only known word one letter away: one too many, too few, another, or two that changed places."""
    if len(word) < MIN_LETTERS or not word.isalpha():
        return None
    found = [one for one in known if len(one) >= MIN_LETTERS - 1 and one.isalpha() and _is_next_to(word, one)]
    return found[0] if len(found) == 1 else None


def _is_next_to(word: str, other: str) -> bool:
    if abs(len(word) - len(other)) > 1 or word == other:
        return False
    if len(word) == len(other):
        wrong = [at for at, (one, two) in enumerate(zip(word, other, strict=True)) if one != two]
        if len(wrong) == 1:
            return True
        first, *rest = wrong
        is_turned = rest == [first + 1] and word[first] == other[first + 1] and word[first + 1] == other[first]
        return is_turned
    short, long = sorted((word, other), key=len)
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
