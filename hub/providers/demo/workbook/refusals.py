"""What is said where nothing is done: what was not understood, and what would be, with the sheet's own columns."""

from hub.providers.demo.workbook.planning.desk import Refusal, plain
from hub.providers.demo.workbook.ranges import letters
from hub.providers.demo.workbook.understand import NotUnderstood

CAN_DO = (
    "With the open workbook I can, for example:\n\n"
    "- *What is the average of Sheet2!B2:B20?*\n"
    "- *Sum column B into B11, make it bold and chart it*\n"
    "- *Make the header row bold and blue*, *sort the table by Cost, largest first*\n"
    '- *Write "Total" into A11*, *add a column Profit that is Revenue minus Cost*\n'
    "- *Format C2:C10 as currency*, *highlight row 1 in yellow*, *clear D2:D5*\n"
)


_BY_KIND = (
    (
        frozenset("currency euros euro dollars pounds decimals percentage".split()),
        "format the {last} column as currency",
    ),
    (
        frozenset("multiply divide increase decrease raise reduce round double halve".split()),
        "multiply the {last} values by 2",
    ),
    (
        frozenset("difference minus subtract ratio".split()),
        "what is the difference between the highest and the lowest {last}?",
    ),
    (frozenset("show list rows first summarise summarize describe sheets".split()), "summarise the table"),
    (frozenset("chart graph plot pie".split()), "make a column chart of the table"),
    (frozenset("sort order rank arrange alphabetical".split()), "sort the table by {last}, largest first"),
    (
        frozenset("bold colour color highlight format italic font".split()),
        "make the header row bold and blue",
    ),
    (frozenset("delete remove clear erase empty".split()), "clear the {last} values"),
    (frozenset("many count".split()), "how many rows have a {last} over 10?"),
    (frozenset("average mean per".split()), "what is the average of the {last} column?"),
    (
        frozenset("if otherwise else".split()),
        'in column {letter} write "a" if {last} is over 10, otherwise "b"',
    ),
    (frozenset("row insert".split()), "insert a row above row 3"),
    (frozenset("column".split()), "add a column Extra that is {last} times 2"),
    (frozenset("put write enter into formula".split()), "put the sum of {last} into {free}"),
)
_OTHERWISE = ("what is the total of the {last} column?", "sort the table by {first}")


def not_understood(problem: NotUnderstood) -> str:
    return f"I did not understand {problem}, so I did nothing. {_examples(problem)}\n"


def refused(problem: Refusal) -> str:
    text = str(problem)
    end = "" if text[-1] in ".?!" else "."
    return f"I did nothing: {text}{end}\n"


def _examples(problem: NotUnderstood) -> str:
    """What would work and is of the same kind, with the sheet's own columns."""
    table = problem.table
    if table is None or len(table.headers) < 2:
        return "These would work: *sum column B into B11* and *make A1:C1 bold*. A text goes in quotes."
    first, last = plain(table.headers[0]), plain(table.headers[-1])
    fitting = [example for words, example in _BY_KIND if problem.words & words]
    one, two = [*fitting, *_OTHERWISE][:2]
    free = f"{letters(table.right + 2)}{table.top}"
    letter = letters(table.right + 1)
    told = [example.format(first=first, last=last, free=free, letter=letter) for example in (one, two)]
    return f"These would work: *{told[0]}* and *{told[1]}*. A text to write goes in quotes."
