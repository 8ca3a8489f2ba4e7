import asyncio

from hub.backplane.base import Backplane, Subscription
from tests.backplane.steps import until


async def test_all_subscribers_get_a_channels_payloads_in_the_order_published(backplane: Backplane) -> None:
    first: list[bytes] = []
    second: list[bytes] = []
    await backplane.bus.subscribe("a", first.append)
    await backplane.bus.subscribe("a", second.append)
    sent = [str(number).encode() for number in range(50)]
    for payload in sent:
        backplane.bus.publish("a", payload)
    await until(lambda: len(first) == 50 and len(second) == 50)
    assert first == second == sent


async def test_other_channels_are_not_heard(backplane: Backplane) -> None:
    heard: list[bytes] = []
    await backplane.bus.subscribe("a", heard.append)
    backplane.bus.publish("b", b"other")
    backplane.bus.publish("nobody listens", b"other")
    backplane.bus.publish("a", b"mine")
    await until(lambda: bool(heard))
    assert heard == [b"mine"]


async def test_nothing_is_stored_for_who_subscribes_later(backplane: Backplane) -> None:
    early: list[bytes] = []
    late: list[bytes] = []
    await backplane.bus.subscribe("a", early.append)
    backplane.bus.publish("a", b"1")
    await until(lambda: early == [b"1"])
    await backplane.bus.subscribe("a", late.append)
    backplane.bus.publish("a", b"2")
    await until(lambda: len(early) == 2 and bool(late))
    assert late == [b"2"]


async def test_closed_subscription_hears_nothing_more(backplane: Backplane) -> None:
    closed: list[bytes] = []
    other: list[bytes] = []
    subscription = await backplane.bus.subscribe("a", closed.append)
    await backplane.bus.subscribe("a", other.append)
    backplane.bus.publish("a", b"1")
    await until(lambda: closed == other == [b"1"])
    subscription.close()
    subscription.close()
    backplane.bus.publish("a", b"2")
    await until(lambda: len(other) == 2)
    assert closed == [b"1"]


async def test_receiver_closes_itself_and_another_while_it_is_called(backplane: Backplane) -> None:
    calls: list[str] = []
    open_ones: list[Subscription] = []
    last: list[bytes] = []

    def first(payload: bytes) -> None:
        calls.append("first")
        for subscription in open_ones:
            subscription.close()

    open_ones.append(await backplane.bus.subscribe("a", first))
    open_ones.append(await backplane.bus.subscribe("a", lambda payload: calls.append("second")))
    await backplane.bus.subscribe("a", last.append)
    backplane.bus.publish("a", b"1")
    backplane.bus.publish("a", b"2")
    await until(lambda: len(last) == 2)
    assert calls == ["first"]


async def test_receiver_that_publishes_keeps_one_order_for_all(backplane: Backplane) -> None:
    first: list[bytes] = []
    second: list[bytes] = []

    def echo(payload: bytes) -> None:
        first.append(payload)
        if payload == b"1":
            backplane.bus.publish("a", b"echo")

    await backplane.bus.subscribe("a", echo)
    await backplane.bus.subscribe("a", second.append)
    backplane.bus.publish("a", b"1")
    await until(lambda: len(first) == 2 and len(second) == 2)
    assert first == second == [b"1", b"echo"]


async def test_receiver_that_raises_is_reported_and_costs_others_nothing(backplane: Backplane) -> None:
    reported: list[object] = []
    heard: list[bytes] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))
    error = ValueError("no")

    def broken(payload: bytes) -> None:
        raise error

    await backplane.bus.subscribe("a", broken)
    await backplane.bus.subscribe("a", heard.append)
    backplane.bus.publish("a", b"1")
    await until(lambda: heard == [b"1"] and bool(reported))
    assert reported == [error]
