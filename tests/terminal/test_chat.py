"""The person's end: what is printed where, and what counts as one message."""

import io
from collections.abc import Callable

import pytest

from hub.terminal.chat import Printer, read_message
from hub.terminal.keyboard import Discarded
from hub.terminal.view import Piece


def typed(*lines: str | type[BaseException]) -> Callable[[str], str]:
    """An `input` that gets these lines, or one of the two ways to leave."""
    rest = iter(lines)

    def ask(_prompt: str) -> str:
        line = next(rest)
        if isinstance(line, str):
            return line
        raise line

    return ask


def test_a_line_is_a_message() -> None:
    assert read_message(typed("hello")) == "hello"


def test_a_backslash_goes_on_in_the_next_line() -> None:
    assert read_message(typed("name,price\\", "pen,2\\", "ink,5")) == "name,price\npen,2\nink,5"


def test_a_paste_of_several_lines_is_one_message() -> None:
    assert read_message(typed("name,price\npen,2")) == "name,price\npen,2"


@pytest.mark.parametrize("how", [EOFError, KeyboardInterrupt])
def test_leaving_at_the_prompt(how: type[BaseException]) -> None:
    assert read_message(typed(how)) is None


def test_ctrl_c_throws_away_what_was_begun() -> None:
    assert read_message(typed("begun\\", KeyboardInterrupt, "hello")) == "hello"
    assert read_message(typed("begun\\", Discarded, Discarded, "hello")) == "hello"


def test_end_of_file_leaves_what_was_begun() -> None:
    assert read_message(typed("begun\\", EOFError)) is None


def test_answers_and_the_rest_go_their_ways() -> None:
    answers, rest = io.StringIO(), io.StringIO()
    printer = Printer(answers, rest, colour=False)
    printer.show([Piece("answer", "Hel"), Piece("answer", "lo"), Piece("status", "done"), Piece("user", "next")])
    assert answers.getvalue() == "Hello\n"
    assert rest.getvalue() == "done\n> next\n"


def test_a_status_begins_on_its_own_line() -> None:
    both = io.StringIO()
    printer = Printer(both, both, colour=False)
    printer.show([Piece("answer", "one"), Piece("answer", ""), Piece("status", "tool"), Piece("answer", "two\n")])
    printer.end_line()
    assert both.getvalue() == "one\ntool\ntwo\n"


def test_colour_is_ours_and_the_models_is_not() -> None:
    both = io.StringIO()
    Printer(both, both, colour=True).show([Piece("error", "\x1b[31mred")])
    assert both.getvalue() == "\x1b[31m␛[31mred\x1b[0m\n"
