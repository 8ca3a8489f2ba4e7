"""`Answers`: what came for open calls reaches the run that waits, whichever was first."""

import asyncio

from hub.runs.answer.answers import Answers


async def test_an_answer_may_come_before_or_after_it_is_waited_for() -> None:
    answers = Answers()
    answers.put({"early": b"1"})
    assert await answers.wait("early") == b"1"
    waiting = asyncio.create_task(answers.wait("late"))
    await asyncio.sleep(0)
    answers.put({"other": b"0"})
    assert not waiting.done()
    answers.put({"late": b"2"})
    assert await waiting == b"2"


async def test_the_first_answer_stays() -> None:
    answers = Answers()
    answers.put({"call": b"first"})
    answers.put({"call": b"second"})
    assert await answers.wait("call") == b"first"


async def test_who_gave_up_waiting_may_wait_again() -> None:
    answers = Answers()
    waiting = asyncio.create_task(answers.wait("call"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    answers.put({"call": b"1"})
    assert await answers.wait("call") == b"1"
    answers.forget()
    again = asyncio.create_task(answers.wait("call"))
    await asyncio.sleep(0)
    assert not again.done()
    answers.put({"call": b"2"})
    assert await again == b"2"
