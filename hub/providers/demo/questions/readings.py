"""Items that mean something only together: "not above", "greater than or equal to", "30 or more", "Mon or Tue".

Done once over the whole sentence, before it is cut into clauses, since "or" and commas cut them.
"""

from collections.abc import Sequence

import msgspec

from hub.providers.demo.questions.words import Item

_OPPOSITES = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "!=", "!=": "="}


def together(items: Sequence[Item]) -> list[Item]:
    """The items with what belongs together made one. An "or" that stays separates as "and" does."""
    return _value_lists(_negated(_with_equality(_trailing(items))))


def _trailing(items: Sequence[Item]) -> list[Item]:
    """ "30 or more" is "at least 30"; "over 30 or under 10" is something else."""
    made: list[Item] = []
    for place, item in enumerate(items):
        kind, _, operator = item.meaning.partition(":")
        if kind != "after":
            made.append(item)
            continue
        after = items[place + 1].kind if place + 1 < len(items) else ""
        if after not in ("number", "date") and made and made[-1].kind in ("number", "date"):
            made.insert(len(made) - 1, msgspec.structs.replace(item, meaning=f"op:{operator}"))
            continue
        joint = item.text.split()[0].lower()
        made.append(Item("meaning", joint, "or" if joint in ("or", "oder") else "and"))
        if after in ("number", "date"):
            made.append(Item("meaning", item.text.split()[-1], f"op:{operator[0]}"))
    return made


def _with_equality(items: Sequence[Item]) -> list[Item]:
    """ "greater than or equal to", "equal to or greater than"."""
    made: list[Item] = []
    for item in items:
        made.append(item)
        if len(made) < 3 or made[-2].meaning != "or":
            continue
        pair = {made[-3].meaning, made[-1].meaning}
        if "op:=" in pair and len(pair) == 2 and pair & {"op:>", "op:<"}:
            sign = (pair - {"op:="}).pop()
            text = " ".join(each.text for each in made[-3:])
            made[-3:] = [Item("meaning", text, f"{sign}=")]
    return made


def _negated(items: Sequence[Item]) -> list[Item]:
    """ "not above" is "at most". "between" has no opposite that is one condition, so its "not" stays."""
    made: list[Item] = []
    for item in items:
        kind, _, rest = item.meaning.partition(":")
        operator, colon, hint = rest.partition(":")
        if made and made[-1].meaning == "not" and kind == "op" and operator in _OPPOSITES:
            text = f"{made[-1].text} {item.text}"
            made[-1] = msgspec.structs.replace(item, text=text, meaning=f"op:{_OPPOSITES[operator]}{colon}{hint}")
        elif made and made[-1].meaning == "not" and item.kind in ("number", "date"):
            made[-1] = Item("meaning", made[-1].text, "op:!=")
            made.append(item)
        else:
            made.append(item)
    return made


def _value_lists(items: Sequence[Item]) -> list[Item]:
    """ "Mon, Tue or Wed" is one value; what is joined by "and" stays apart, but not after a "not"."""
    made: list[Item] = []
    place = 0
    while place < len(items):
        item = items[place]
        place += 1
        if item.kind != "value":
            made.append(item)
            continue
        run, joints = [item], []
        while (
            place + 1 < len(items)
            and (items[place].kind == "comma" or items[place].meaning in ("or", "and"))
            and items[place + 1].kind == "value"
            and items[place + 1].column == item.column
        ):
            joints.append(items[place])
            run.append(items[place + 1])
            place += 2
        before = next((each for each in reversed(made) if each.kind != "unknown"), None)
        negated = before is not None and before.meaning in ("not", "op:!=")
        if len(run) > 1 and (negated or any(joint.meaning == "or" for joint in joints)):
            made.append(msgspec.structs.replace(item, texts=[each.text for each in run]))
        else:
            place -= 2 * (len(run) - 1)
            made.append(item)
    return made
