"""Questions that a careless reading answers wrongly: superlatives, negations, orders, filters. Never a quiet guess."""

import pytest

from hub.chat.parts import Message
from tests.providers.demo_runs import calls_in, run, said, user

THINGS = "product,price,day\nLamp,20,Mon\nLamp,20,Tue\nLamp,20,Wed\nChair,50,Mon"
PEOPLE = "name;city;age;salary\nAnna;Bern;31;5200.50\nBruno;Basel;45;7100\nCarla;Bern;28;4800\nDario;Genf;52;9050.25"


async def ask(question: str, table: str) -> Message:
    return await run([user(f"{question}\n\n{table}")])


def wheres(answer: Message) -> list[tuple[str, str, object]]:
    """The conditions of the only call."""
    (call,) = calls_in(answer)
    assert call.arguments is not None
    found = call.arguments.get("where", [])
    assert isinstance(found, list)
    return [(each["column"], each["operator"], each["value"]) for each in found]


@pytest.mark.parametrize(
    ("words", "operator"),
    [
        ("greater than or equal to 30", ">="),
        ("more than or equal to 30", ">="),
        ("equal to or greater than 30", ">="),
        ("is greater or equal to 30", ">="),
        ("less than or equal to 30", "<="),
        ("smaller than or equal to 30", "<="),
        ("at most 30", "<="),
        ("no more than 30", "<="),
        ("no less than 30", ">="),
        ("not less than 30", ">="),
        (">= 30", ">="),
        ("≥ 30", ">="),
        ("<= 30", "<="),
        ("≤30", "<="),
        ("of 30 or more", ">="),
        ("of 30 or less", "<="),
        ("30 and above", ">="),
        ("größer oder gleich 30", ">="),
        ("kleiner gleich 30", "<="),
        ("not above 30", "<="),
        ("is not above 30", "<="),
        ("that is not over 30", "<="),
        ("not below 30", ">="),
        ("isn't under 30", ">="),
        ("is not more than 30", "<="),
        ("is not less than 30", ">="),
        ("not equal to 30", "!="),
        ("is not equal to 30", "!="),
        ("is not 30", "!="),
        ("not at least 30", "<"),
        ("nicht über 30", "<="),
        ("nicht unter 30", ">="),
    ],
)
async def test_an_operator_in_words_is_the_one_that_is_meant(words: str, operator: str) -> None:
    assert wheres(await ask(f"rows with price {words}", THINGS)) == [("price", operator, 30.0)]


async def test_a_salary_that_is_not_above_is_at_most() -> None:
    answer = await ask("rows where salary is not above 5000", PEOPLE)
    assert wheres(answer) == [("salary", "<=", 5000.0)]
    assert "Carla" in said(answer) and "Anna" not in said(answer)


@pytest.mark.parametrize("question", ["people not in Bern", "people who do not live in Bern", "rows without Bern"])
async def test_a_value_that_is_negated_is_left_out(question: str) -> None:
    assert wheres(await ask(question, PEOPLE)) == [("city", "!=", "Bern")]


async def test_a_negation_holds_for_each_value_of_its_list() -> None:
    answer = await ask("average salary without Bern or Basel", PEOPLE)
    assert wheres(answer) == [("city", "!=", "Bern"), ("city", "!=", "Basel")]


@pytest.mark.parametrize(
    "question",
    [
        "salary not between 5000 and 8000",
        "who is not the oldest",
        "don't show the average salary",
        "never sum salary",
        "zeige nicht die Summe von salary",
    ],
)
async def test_any_other_negation_is_refused(question: str) -> None:
    answer = await ask(question, PEOPLE)
    assert calls_in(answer) == []
    assert "not understand" in said(answer) or "nicht verstanden" in said(answer)


async def test_values_joined_by_or_are_one_question() -> None:
    answer = await ask("average price for Mon or Tue", THINGS)
    assert wheres(answer) == [("day", "in", ["Mon", "Tue"])]
    assert "**30**" in said(answer) and "Mon or Tue" in said(answer)


async def test_conditions_joined_by_or_are_refused() -> None:
    answer = await ask("rows where city is Bern or age over 50", PEOPLE)
    assert calls_in(answer) == []
    assert "“or”" in said(answer)


@pytest.mark.parametrize(
    ("question", "label", "number"),
    [
        ("Which product is the most expensive?", "Chair", "50"),
        ("which product has the highest price?", "Chair", "50"),
        ("what is the priciest product", "Chair", "50"),
        ("Welches product ist am teuersten?", "Chair", "50"),
        ("Which product is the cheapest?", "Lamp", "20"),
        ("which product has the lowest price?", "Lamp", "20"),
        ("show me the most expensive one", "Chair", "50"),
        ("the highest one by price", "Chair", "50"),
    ],
)
async def test_the_dearest_is_a_row_and_not_a_sum_of_prices(question: str, label: str, number: str) -> None:
    text = said(await ask(question, THINGS))
    assert label in text and number in text
    assert "60" not in text
    assert ("Lamp" if label == "Chair" else "Chair") not in text


async def test_it_is_said_that_single_rows_were_compared() -> None:
    assert "not totals" in said(await ask("Which product is the most expensive?", THINGS))
    assert "maximum" in said(await ask("Which product is the most expensive?", THINGS))


async def test_what_was_sold_most_is_still_a_sum() -> None:
    answer = await ask("which product made the most revenue?", "product,revenue\nLamp,20\nLamp,40\nChair,50")
    assert "**Lamp**" in said(answer) and "**60**" in said(answer)


@pytest.mark.parametrize(
    ("question", "name", "age"),
    [
        ("oldest person?", "Dario", "52"),
        ("Who is the oldest?", "Dario", "52"),
        ("What is the oldest person's salary?", "Dario", "52"),
        ("youngest person?", "Carla", "28"),
        ("wer ist am jüngsten?", "Carla", "28"),
        ("wer ist die älteste Person?", "Dario", "52"),
        ("which city has the oldest person?", "Genf", "52"),
    ],
)
async def test_old_and_young_are_about_age(question: str, name: str, age: str) -> None:
    text = said(await ask(question, PEOPLE))
    assert name in text and age in text
    assert not {"Anna", "Bruno", "Carla", "Dario"} - {name} & set(text.replace("|", " ").split())


@pytest.mark.parametrize(
    ("question", "table"), [("oldest item", "item,cost\na,1\nb,2"), ("the cheapest person", PEOPLE), ("newest", PEOPLE)]
)
async def test_a_superlative_without_its_column_is_not_guessed(question: str, table: str) -> None:
    answer = await ask(question, table)
    assert calls_in(answer) == []
    assert question.split()[-2 if " " in question else 0] in said(answer)


@pytest.mark.parametrize(
    ("question", "condition"),
    [
        ("people older than 40", ("age", ">", 40.0)),
        ("people younger than 40", ("age", "<", 40.0)),
        ("people not older than 40", ("age", "<=", 40.0)),
    ],
)
async def test_older_than_is_about_age(question: str, condition: tuple[str, str, object]) -> None:
    assert wheres(await ask(question, PEOPLE)) == [condition]


async def test_rows_that_tie_are_told() -> None:
    text = said(await ask("who is the oldest?", "name,age\nAnn,30\nBob,52\nCid,52"))
    assert "1 more row has the same value" in text
    text = said(await ask("which product is the cheapest?", "product,price\nA,5\nA,9\nB,5"))
    assert "**A**, **B**" in text


async def test_a_median_and_a_superlative_keep_their_columns() -> None:
    answer = await ask("What's the median salary and the youngest age?", PEOPLE)
    assert "median **6,150.25**" in said(answer)
    assert "**28**" in said(answer) and "38" not in said(answer)


async def test_an_order_after_a_filter_is_one_list() -> None:
    answer = await ask("list products with price above 50, most expensive first", THINGS)
    assert wheres(answer) == [("price", ">", 50.0)]
    answer = await ask("list products with price above 10, most expensive first", THINGS)
    assert wheres(answer) == [("price", ">", 10.0)]
    assert said(answer).index("Chair") < said(answer).index("Lamp")
    assert said(answer).count("Lamp") == 3


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("people sorted by salary, highest first", "Dario Bruno Anna Carla"),
        ("people sorted by salary, lowest first", "Carla Anna Bruno Dario"),
        ("people over age 30, youngest first", "Anna Bruno Dario"),
        ("list people oldest first", "Dario Bruno Anna Carla"),
        ("show people in Bern sorted by age descending", "Anna Carla"),
        ("show people in Bern, sorted by age", "Carla Anna"),
        ("rows with salary above 5000, lowest first", "Anna Bruno Dario"),
        ("bottom 3 by age, just names", "Carla Anna Bruno"),
        ("top 2 by salary, names only", "Dario Bruno"),
    ],
)
async def test_rows_come_in_the_order_that_is_asked_for(question: str, names: str) -> None:
    answer = await ask(question, PEOPLE)
    assert len(calls_in(answer)) == 1
    people = {"Anna", "Bruno", "Carla", "Dario"}
    assert [word for word in said(answer).replace("|", " ").split() if word in people] == names.split()


async def test_only_the_columns_that_are_asked_for_are_shown() -> None:
    text = said(await ask("bottom 3 by age, just names", PEOPLE))
    assert "| name |" in text and "Bern" not in text


async def test_groups_come_in_the_order_that_is_asked_for() -> None:
    text = said(await ask("total salary per city, lowest first", PEOPLE))
    assert text.index("| Basel") < text.index("| Genf") < text.index("| Bern")


BASES = (
    "average salary", "rows where age is over 30", "total salary per city", "top 2 by salary", "how many people",
    "the oldest person",
)  # fmt: skip
ADDED = (
    "not", "never", "without", "in Atlantis", "sorted by age", "highest first", "oldest first", "descending", "rounded",
    "in Bern", "older than 40", "not in Bern", "if possible", "weekly", "except Anna", "7", "over 50", "distinct",
    "purple", "per city", "median", "first",
)  # fmt: skip

ALREADY_SO = {
    ("total salary per city", "per city"),
    ("total salary per city", "highest first"),
    ("total salary per city", "descending"),
    ("top 2 by salary", "highest first"),
    ("top 2 by salary", "descending"),
    ("the oldest person", "oldest first"),
    ("the oldest person", "highest first"),
    ("the oldest person", "descending"),
    ("the oldest person", "sorted by age"),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("joint", [" ", ", "])
async def test_no_word_is_silently_ignored(base: str, added: str, joint: str) -> None:
    """It changes what is called, or what is said: all else would answer another question than the one asked."""
    plain = await ask(base, PEOPLE)
    changed = await ask(base + joint + added, PEOPLE)
    if [call.arguments for call in calls_in(plain)] == [call.arguments for call in calls_in(changed)] != []:
        assert said(changed) != said(plain) or (base, added) in ALREADY_SO


@pytest.mark.parametrize("question", ["Compare Bern and Zürich", "compare the salary of Bern and Zürich"])
async def test_a_value_that_the_table_does_not_have_is_said(question: str) -> None:
    assert "“Zürich”: neither in the table" in said(await ask(question, PEOPLE))


@pytest.mark.parametrize("text", ["hello, how are you today?", "Hi! How's it going?", "Hallo, wie geht's?"])
async def test_a_greeting_may_ask_how_one_is(text: str) -> None:
    answer = said(await run([user(text)]))
    assert answer.startswith(("Hello", "Hallo"))


async def test_who_it_is_is_said_once_in_a_session() -> None:
    first = user(f"average price\n\n{THINGS}")
    messages = [first, await run([first])]
    assert said(messages[1]).lower().count("demo") == 1
    for number, text in enumerate(["total price", "plot it", "average xyzzy of bananas"], start=2):
        messages.append(user(text, message_id=f"u{number}"))
        messages.append(await run(messages))
        assert "demo" not in said(messages[-1]).lower()
