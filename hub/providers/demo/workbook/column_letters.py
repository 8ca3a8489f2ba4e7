"""Letters that may be a column or the header of another one."""

from collections.abc import Sequence

from hub.providers.demo.workbook.language.words import Word
from hub.providers.demo.workbook.planning.desk import Refusal
from hub.providers.demo.workbook.ranges import column_number, letters
from hub.providers.demo.workbook.table import Table

_ALPHABET = 26


def is_column_letter(word: Word) -> bool:
    """ "B", "b", "AB". Small letters of two and more are words."""
    text = word.text
    told = word.kind == "word" and len(text) <= 3 and text.isascii() and text.isalpha()
    return told and (len(text) == 1 or text.isupper())


def check_letters(words: Sequence[Word], tables: Sequence[Table]) -> None:
    """Raises `Refusal` where a letter is one column and the header of another. "VAT" is so far away that it is only a
    header."""
    for word in words:
        if not is_column_letter(word):
            continue
        column = column_number(word.text)
        for table in tables:
            for at, header in enumerate(table.headers, start=table.left):
                if header.casefold() != word.plain or at == column or column > max(_ALPHABET, table.right):
                    continue
                name, own, rows = word.text.upper(), letters(at), (table.first, table.bottom)
                has, also = (":".join(f"{one}{row}" for row in rows) for one in (own, name))
                raise Refusal(
                    f"“{name}” is the header of column {own}, and the letter of another column: "
                    f"name the cells, as in {has} or {also}"
                )
