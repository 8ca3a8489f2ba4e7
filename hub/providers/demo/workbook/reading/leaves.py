"""What the leaves of a tree are."""

from hub.providers.demo.workbook.language.notation import Tree
from hub.providers.demo.workbook.orders.places import EdgeRows, Header, Label
from hub.providers.demo.workbook.ranges import MAX_ROWS, Range


class Misread(Exception):
    """This tree makes no sense."""


def cells_in(tree: Tree) -> list[Range]:
    return [one for kind in ("CELL", "AREA", "NAMED") for one in tree.leaves(kind) if isinstance(one, Range)]


def numbers(tree: Tree, kind: str = "NUMBER") -> list[float]:
    return [one for one in tree.leaves(kind) if isinstance(one, int | float)]


def texts(tree: Tree, kind: str) -> list[str]:
    return [one for one in tree.leaves(kind) if isinstance(one, str)]


def headers(tree: Tree) -> list[Header]:
    return [one for one in tree.leaves("COLUMN") if isinstance(one, Header)]


def labels(tree: Tree) -> list[Label]:
    return [one for one in tree.leaves("LABEL") if isinstance(one, Label)]


def sheet_of(tree: Tree) -> str | None:
    """The sheet that it names, at once or in "on the Data sheet"."""
    for one in [tree, *tree.all("on_sheet", "sheet_data", "lead")]:
        sheet = one.one("sheet")
        if sheet is not None:
            return texts(sheet, "SHEET")[0]
    return None


def whole(number: float) -> int:
    """A number of a row, or of things."""
    if number != int(number) or not 0 < number <= MAX_ROWS:
        raise Misread
    return int(number)


def edge_rows(tree: Tree, column: Header, of: Header | None = None) -> EdgeRows:
    return EdgeRows(column, whole(numbers(tree)[0]), tree.has("last_ones"), of)
