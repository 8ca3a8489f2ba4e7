"""Client results across nodes: a hub asks a client whose connection another node has.

The question goes to all nodes; the one with the connection says that it has heard, asks, and sends the answer back
(wire format: `envelope`). Theory of operation: the bus may lose what it carries, and nodes may die. So the asking node
asks again every `interval_s` whether the question is still open there. A node that has it says so; silence for one
interval means that the connection does not exist, or that it, its node or the answer was lost, and fails the caller.
No question is ever put to a client twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub.errors import HubError
from hub.protocol.codec import CODECS
from hub.protocol.messages import Completion, Invocation
from hub.server import envelope
from hub.server.asking import Asking
from hub.server.tasks import OwnedTasks


@dataclass(slots=True)
class Question:
    """As the asking node sees it."""

    answer: asyncio.Future[object]
    is_heard: bool = False  # since it was last asked for


class AskingAfar:
    """Of one hub on one node, for both sides."""

    def __init__(
        self,
        asking_of: Callable[[str], Asking | None],
        publish: Callable[[envelope.Asking], None],
        tasks: OwnedTasks,
        interval_s: float,
    ) -> None:
        self._asking_of = asking_of  # by connection id; None if this node has it not
        self._publish = publish
        self._tasks = tasks
        self._interval_s = interval_s
        self._last = 0  # number of the newest question
        self._asked: dict[int, Question] = {}  # by this node
        self._open: dict[tuple[str, int], asyncio.Task[None]] = {}  # put to clients here; by asking node and number

    async def ask(self, connection_id: str, target: str, arguments: Sequence[object]) -> object:
        """The answer. Raises HubError; TypeError for arguments that cannot be encoded."""
        self._last += 1
        number = self._last
        record = CODECS["messagepack"].encode(Invocation(target, arguments))
        question = self._asked[number] = Question(asyncio.get_running_loop().create_future())
        problem = f"Connection '{connection_id}' does not exist."
        self._publish(envelope.Ask(number, connection_id, record))
        try:
            while True:
                await asyncio.wait([question.answer], timeout=self._interval_s)
                if question.answer.done():
                    return question.answer.result()
                if not question.is_heard:
                    raise HubError(problem)
                question.is_heard = False
                problem = "The connection was lost before the client answered."
                self._publish(envelope.Still(number))
        finally:
            del self._asked[number]
            if not question.answer.done():
                question.answer.cancel()
                self._publish(envelope.Unask(number))

    def hear(self, reply: envelope.Heard | envelope.Answer) -> None:
        """From the node that has the connection. What nobody waits for is ignored."""
        question = self._asked.get(reply.question)
        if question is None or question.answer.done():
            return
        question.is_heard = True
        if isinstance(reply, envelope.Heard):
            return
        completion = envelope.read_record(reply.record)
        assert isinstance(completion, Completion)
        if completion.error is None:
            question.answer.set_result(completion.result)
        else:
            question.answer.set_exception(HubError(completion.error))

    def be_asked(self, node_id: str, question: envelope.Ask | envelope.Still | envelope.Unask) -> None:
        """By another node."""
        key = node_id, question.question
        match question:
            case envelope.Ask(number, connection_id, record):
                asking = self._asking_of(connection_id)
                if asking is not None and key not in self._open:
                    self._publish(envelope.Heard(node_id, number))
                    task = self._open[key] = self._tasks.start(self._ask_here(key, asking, record))
                    task.add_done_callback(lambda _: self._open.pop(key))
            case envelope.Still(number):
                if key in self._open:
                    self._publish(envelope.Heard(node_id, number))
            case envelope.Unask():
                if key in self._open:
                    self._open[key].cancel()

    async def _ask_here(self, key: tuple[str, int], asking: Asking, record: bytes) -> None:
        message = envelope.read_record(record)
        assert isinstance(message, Invocation)
        number = str(key[1])
        try:
            result = await asking.ask(message.target, tuple(message.arguments))
            completion = Completion(number, result=result, has_result=True)
        except HubError as error:
            completion = Completion(number, str(error))
        self._publish(envelope.Answer(*key, CODECS["messagepack"].encode(completion)))
