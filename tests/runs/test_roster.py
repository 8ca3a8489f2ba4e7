"""What clients are told of presence, byte for byte as the contract's examples, and how it is merged."""

from pathlib import Path

import msgspec
import pytest

from hub.runs.follow.roster import (
    Bye,
    Change,
    Here,
    Member,
    Roster,
    Said,
    Some,
    Whole,
    by_user,
    change_between,
    decode_said,
    encode_said,
)

FOLDER = Path(__file__).parent.parent / "golden" / "contract"

ANN_1 = Here("c1", "ann", "owner", b'{"typing":true}')
ANN_3 = Here("c3", "ann", "owner")
BOB = Here("c2", "bob", "viewer")
CAT = Here("c4", "cat", "editor")


def line(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes().removesuffix(b"\n")


def test_roster_is_the_contracts_example() -> None:
    roster = Roster(session_id="ses_1", roster=list(by_user([BOB, ANN_3, ANN_1]).values()))
    assert msgspec.json.encode(roster) == line("presence_roster")
    assert msgspec.json.encode(msgspec.json.decode(line("presence_roster"), type=Roster)) == line("presence_roster")


def test_change_is_the_contracts_example() -> None:
    moved = msgspec.structs.replace(ANN_1, state=b'{"anchor":"msg_2","selection":{"from":3,"to":9}}')
    change = change_between("ses_1", by_user([ANN_1, ANN_3, BOB]), by_user([moved, CAT]))
    assert msgspec.json.encode(change) == line("presence_change")
    assert msgspec.json.encode(msgspec.json.decode(line("presence_change"), type=Change)) == line("presence_change")


def test_nothing_changed_is_no_change() -> None:
    assert change_between("ses_1", by_user([ANN_1, BOB]), by_user([BOB, msgspec.structs.replace(ANN_1)])) is None


@pytest.mark.parametrize(
    "said", [Whole("n", [ANN_1, BOB], True), Some("n", [ANN_3], ["c2"]), Member("n", "bob", ""), Bye("n")]
)
def test_what_nodes_say_is_read_as_it_was_said(said: Said) -> None:
    assert decode_said(encode_said(said)) == said


@pytest.mark.parametrize("payload", [msgspec.msgpack.encode(["later", "n"]), msgspec.msgpack.encode({"a": 1}), b"\xc1"])
def test_what_another_version_says_is_passed_over(payload: bytes) -> None:
    assert decode_said(payload) is None
