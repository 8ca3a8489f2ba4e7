"""Tables as JSON arrays of flat objects, and columns aligned by spaces."""

import pytest

from hub.tables.grid import around, find_grid, table_text

INLINE = '{}[{{"name":"Anna","age":31}},{{"name":"Bo","city":null}}]'
FENCED = '{}\n```json\n[{{"name": "Anna",\n "age": 31}},\n{{"name": "Bo", "city": null}}]\n```'


@pytest.mark.parametrize("layout", [INLINE, FENCED])
def test_an_array_of_flat_objects_is_a_table(layout: str) -> None:
    text = layout.format("average age ")
    grid = find_grid(text)
    assert grid is not None
    assert grid.rows == [["name", "age", "city"], ["Anna", "31", ""], ["Bo", "", ""]]
    assert around(text, grid).strip() == "average age"
    again = find_grid(table_text(text, grid))
    assert again is not None and again.rows == grid.rows


@pytest.mark.parametrize("text", ['[{"a":{"b":1}}]', '[{"a":1}, 2]', "[{", '[{"a":' * 100_000])
def test_other_json_is_none(text: str) -> None:
    assert find_grid(text) is None


def test_columns_two_spaces_apart_are_a_table() -> None:
    text = "average age?\n\nname       age   city\nAnna Lee   31    Bern\nBruno      45    Basel"
    grid = find_grid(text)
    assert grid is not None
    assert grid.rows == [["name", "age", "city"], ["Anna Lee", "31", "Bern"], ["Bruno", "45", "Basel"]]
    assert around(text, grid) == "average age?"


def test_prose_with_wide_gaps_is_none() -> None:
    assert find_grid("One.  Two.\nThree here.  Four.  Five.\nSix.") is None
