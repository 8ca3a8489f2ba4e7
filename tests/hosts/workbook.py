"""A workbook in memory that executes the ready-made spreadsheet tools; its formulas are kept, not computed."""

import re
from collections.abc import Mapping

from hub.chat.parts import Json
from hub.providers.demo.workbook.ranges import Range, column_number, letters, parse

Cells = dict[str, Json]


class Workbook:
    """`sheets` are cells by address, such as {"Sheet1": {"B2": 4}}; the first is the active one."""

    def __init__(self, sheets: Mapping[str, Cells]) -> None:
        self.sheets = {name: dict(cells) for name, cells in sheets.items()}
        self.formats: dict[str, Json] = {}
        self.charts: list[Mapping[str, Json]] = []
        self.names: dict[str, str] = {}
        self.inserted: list[Mapping[str, Json]] = []  # what was to be inserted; nothing moves
        self.writes = 0

    def execute(self, tool: str, arguments: Mapping[str, Json]) -> Json:
        """The result. Raises `KeyError` for a sheet that is not there, `ValueError` for what is no range."""
        if tool == "create_chart":
            self.writes += 1
            self.charts.append(arguments)
            return {"chart": len(self.charts)}
        if tool == "get_named_ranges":
            return {"names": dict(self.names)}
        if tool == "create_named_range":
            self.writes += 1
            self.names[str(arguments["name"])] = str(arguments["range"])
            return {"name": arguments["name"]}
        if tool == "insert_rows_columns":
            self.writes += 1
            self.inserted.append(arguments)
            return {"position": arguments["position"]}
        cells, rows = self._grid(str(arguments["range"]))
        if tool == "read_range":
            return {"range": arguments["range"], "values": [[cells.get(one) for one in row] for row in rows]}
        self.writes += 1
        for down, row in enumerate(rows):
            for right, one in enumerate(row):
                self._change(cells, one, tool, arguments, (down, right))
        return {"range": arguments["range"]}

    def _change(self, cells: Cells, one: str, tool: str, arguments: Mapping[str, Json], place: tuple[int, int]) -> None:
        match tool:
            case "write_range":
                value = arguments["values"][place[0]][place[1]]
                if value == "":
                    cells.pop(one, None)
                elif value is not None:
                    cells[one] = value
            case "apply_formula":
                cells[one] = _moved(str(arguments["formula"]), *place)
            case "clear_range":
                cells.pop(one, None)
            case "format_range":
                look = {name: value for name, value in arguments.items() if name != "range"}
                before = self.formats.get(one, {})
                font = {**before.get("font", {}), **look.get("font", {})}
                self.formats[one] = {**before, **look, **({"font": font} if font else {})}
            case _:
                raise ValueError(f"This workbook has no {tool}.")

    def _grid(self, address: str) -> tuple[Cells, list[list[str]]]:
        found = parse(address)
        if found is None:
            raise ValueError(f"{address} is no range.")
        cells = self.sheets[found.sheet or next(iter(self.sheets))]
        right, bottom = _used(cells)
        rows = range(found.top or 1, (found.bottom or bottom) + 1)
        columns = range(found.left or 1, (found.right or right) + 1)
        return cells, [[f"{letters(column)}{row}" for column in columns] for row in rows]


def _moved(formula: str, down: int, right: int) -> str:
    """What is not fixed by $ moves along with the cell."""

    def move(found: re.Match[str]) -> str:
        column = found[2] if found[1] else letters(column_number(found[2]) + right)
        return f"{found[1]}{column}{found[3]}{found[4] if found[3] else int(found[4]) + down}"

    return re.sub(r"(?<![\w$])(\$?)([A-Z]{1,3})(\$?)(\d+)(?![\w(])", move, formula)


def _used(cells: Cells) -> tuple[int, int]:
    places = [place for one in cells if (place := parse(one)) is not None]
    corner: Range = Range(1, 1, 1, 1)
    return (
        max((place.right for place in places), default=corner.right),
        max((place.bottom for place in places), default=corner.bottom),
    )
