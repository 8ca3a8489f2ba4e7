"""One session of a run: what is asked of it, from two nodes at once and again after failures, and what must be so when
all is quiet."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random

from tests.chaos.client import Client, repeated
from tests.chaos.shown import Event, Ledger, Shown, ShownMessage, check_answer, messages_of
from tests.chaos.store import Losses
from tests.chaos.truth import Truth
from tests.chaos.wire import Encoding, Refused

ANSWERED_S = 150.0
"""How long a call may be repeated, and how long an answer may take, with all that goes wrong meanwhile."""

AGREED_S = 90.0
"""How long watchers may take until they agree, once nothing goes wrong any more."""

ENCODINGS: Sequence[Encoding] = ("json", "messagepack", "json")


class Pulse:
    """Wakes who waits for a condition, at each event."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None  # while somebody waits

    def beat(self) -> None:
        if self._next is not None:
            self._next.set_result(None)
            self._next = None

    async def until(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Whether it came to that in time. Looks again at each event, and now and then without one."""
        end = asyncio.get_running_loop().time() + within_s
        while not condition():
            if asyncio.get_running_loop().time() > end:
                return False
            await self.wait()
        return True

    async def wait(self) -> None:
        """For the next event, or a second."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._next], timeout=1)


class Conversation:
    """`talk` asks until it is told to end, `settle` sees to it that all is answered, `compare` says what is wrong then.

    What is wrong before is told at once.
    """

    def __init__(
        self,
        session_id: str,
        urls: Sequence[str | None],
        truth: Truth,
        store: Losses,
        chosen: Random,
        *,
        counts: Counter[str],
        tell: Callable[[str], None],
    ) -> None:
        self.session_id = session_id
        self._truth = truth
        self._store = store
        self._chosen = chosen
        self._counts = counts
        self._tell_all = tell
        self._pulse = Pulse()
        self._asked: dict[str, tuple[str, int]] = {}  # by message id: the run, and the store's losses when it was asked
        self._stopped: set[str] = set()  # message ids
        self._resolved: set[tuple[str, str, int]] = set()  # run and call, and the store's losses before
        self._losses_at_first = store.losses
        self.ledger = Ledger()
        self.clients = [self._client(urls, number) for number in range(len(urls))]

    def _tell(self, text: str) -> None:
        self._tell_all(f"session {self.session_id}: {text}")

    def _client(self, urls: Sequence[str | None], number: int) -> Client:
        def tell(text: str) -> None:
            self._tell(f"watcher {number}: {text}")

        shown = Shown(self.ledger, self._truth, tell, lambda: self._store.losses != self._losses_at_first)
        return Client(
            urls,
            number,
            self.session_id,
            ENCODINGS[number % len(ENCODINGS)],
            shown,
            chosen=Random(self._chosen.random()),
            on_event=self._pulse.beat,
            tell=tell,
        )

    # ------------------------------------------------------------------------------------------------- asking

    async def open(self) -> None:
        """Return once all watch."""
        if not await self._pulse.until(lambda: all(client.shown.epoch for client in self.clients), ANSWERED_S):
            self._tell("not all could watch")

    async def talk(self, over: asyncio.Event) -> None:
        number = 0
        while not over.is_set():
            first = f"{self.session_id}-{number}"
            match self._chosen.choice("one one both two".split()):
                case "one":
                    asking = [self._ask(first, self._someone())]
                case "both":  # the same message at two nodes at once, as a client does that has not heard an answer
                    asking = [self._ask(first, [client]) for client in self._two()]
                case _:
                    one, two = self._two()
                    asking = [self._ask(first, [one]), self._ask(f"{self.session_id}-{number + 1}", [two])]
            number += 2
            await asyncio.gather(*asking)
            if self._chosen.random() < 0.3:
                await self._stop(first)
            for message_id in list(self._asked):
                await self._answered(message_id)

    def _someone(self) -> list[Client]:
        return self._chosen.sample(self.clients, len(self.clients))

    def _two(self) -> list[Client]:
        return self._chosen.sample(self.clients, 2)

    async def _ask(self, message_id: str, clients: Sequence[Client]) -> None:
        """Until it is accepted. Again by its id is the same run, unless Redis lost that it was asked."""
        losses = self._store.losses
        message = {"messageId": message_id, "content": self._truth.question(message_id)}
        options = {"autonomy": "ask"} if self._truth.calls(message_id) else {}
        answer = await repeated(clients, "SendMessage", self.session_id, message, options, within_s=ANSWERED_S)
        run_id = str(answer["runId"])
        self._counts["messages accepted"] += 1
        known = self._asked.get(message_id)
        if known is not None and known[0] != run_id and known[1] == self._store.losses:
            self._tell(f"message {message_id} got run {run_id}, and had got {known[0]}")
        self._asked[message_id] = (run_id, losses)
        self.ledger.asked_by[run_id] = message_id

    async def _stop(self, message_id: str) -> None:
        """From two nodes at once, once something was said: by the run, and by the message."""
        run_id, _ = self._asked[message_id]
        await self._pulse.until(lambda: self._has_begun(run_id), self._chosen.uniform(0, 3))
        self._stopped.add(message_id)
        targets = {"runId": run_id}, {"messageId": message_id}
        try:
            for answer in await asyncio.gather(
                *(
                    repeated([client], "Stop", self.session_id, target, within_s=ANSWERED_S)
                    for client, target in zip(self._two(), targets, strict=True)
                )
            ):
                self._counts[f"stops {answer['outcome']}"] += 1
        except Refused as refusal:
            if "[run_not_found]" not in str(refusal) or self._store.losses == self._losses_at_first:
                self._tell(f"Stop of {run_id} was refused: {refusal}")

    def _waiting(self) -> list[tuple[str, str]]:
        """The calls that wait for an approval, as somebody sees it, and that were not answered, or it may be lost; with
        their runs. Of all runs: what is waited for may be queued behind another."""
        found = {call for client in self.clients for call in client.shown.waiting()}
        return sorted(call for call in found if (*call, self._store.losses) not in self._resolved)

    async def _resolve(self, run_id: str, call_id: str) -> None:
        """From two nodes at once, one for it and one against: both are told the same."""
        losses = self._store.losses
        self._resolved.add((run_id, call_id, losses))
        one, two = self._two()
        wishes = (one, {"approve": True}), (two, {"approve": False})
        try:
            answers = await asyncio.gather(
                *(
                    repeated([client], "ResolveApproval", self.session_id, call_id, wish, within_s=ANSWERED_S)
                    for client, wish in wishes
                )
            )
        except Refused as refusal:
            # It was stopped, or ended with its node, or Redis has forgotten that it waited. That is about to be seen;
            # where the run is begun anew, it asks again.
            if "[call_closed]" not in str(refusal):
                self._tell(f"ResolveApproval of {call_id} was refused: {refusal}")
            self._counts["approvals too late"] += 1
            await self._pulse.wait()
            self._resolved.discard((run_id, call_id, losses))
            return
        said = [answer["resolution"] for answer in answers]
        if said[0] != said[1] and self._store.losses == losses:
            self._tell(f"call {call_id} was answered twice: {said}")
        self._counts["approvals answered"] += 1

    def _answers(self, run_id: str) -> list[ShownMessage]:
        found = (client.shown.answer(run_id) for client in self.clients)
        return [answer for answer in found if answer is not None]

    def _has_begun(self, run_id: str) -> bool:
        return any(answer.text or answer.is_final for answer in self._answers(run_id))

    def _has_ended(self, run_id: str) -> bool:
        return any(answer.is_final for answer in self._answers(run_id))

    async def _answered(self, message_id: str) -> None:
        """Return once somebody was shown the answer's end. Asks again if Redis may have forgotten that it was asked."""
        end = asyncio.get_running_loop().time() + ANSWERED_S
        while True:
            run_id, losses = self._asked[message_id]
            left_s = end - asyncio.get_running_loop().time()
            is_there = await self._pulse.until(partial(self._has_changed, run_id, losses), left_s)
            if self._has_ended(run_id):
                return
            if waiting := self._waiting():
                await self._resolve(*waiting[0])
                continue
            if not is_there:
                self._tell(f"run {run_id} of {message_id} has not ended after {ANSWERED_S:g} s")
                return
            await self._ask(message_id, self._someone())

    def _has_changed(self, run_id: str, losses: int) -> bool:
        return self._has_ended(run_id) or self._store.losses != losses or bool(self._waiting())

    # -------------------------------------------------------------------------------------------- when quiet

    async def settle(self) -> None:
        """Ask all again, which changes nothing but what Redis has lost, and wait until all is answered."""
        for message_id in list(self._asked):
            await self._ask(message_id, self._someone())
        for message_id in list(self._asked):
            await self._answered(message_id)

    async def compare(self) -> None:
        """All watchers agree with each other, with History and with the truth; if not, it is told."""
        end = asyncio.get_running_loop().time() + AGREED_S
        while True:
            page = await repeated(self._someone(), "History", self.session_id, {"limit": 200}, within_s=ANSWERED_S)
            wrong = self._differences(page)
            if not wrong or asyncio.get_running_loop().time() > end:
                break
            await self._pulse.wait()
        for text in wrong:
            self._tell(text)
        self._check_ends(page)

    def _differences(self, page: Event) -> list[str]:
        wrong: list[str] = []
        kept, _ = messages_of(page, self.ledger)
        users = [message for message in kept.values() if message.role == "user"]
        answers = [message for message in kept.values() if message.role == "assistant"]
        if page["hasMore"] or {user.message_id for user in users} != self._asked.keys():
            wrong.append(f"History has {[user.message_id for user in users]}, asked was {list(self._asked)}")
        answered = [answer.run_id for answer in answers if not self._is_forgotten(answer)]
        if sorted(answered) != sorted(user.run_id for user in users):
            wrong.append(f"not one answer to each: {[(answer.reply_to, answer.status) for answer in answers]}")
        for answer in answers:
            check_answer(answer, self._truth, wrong.append)
            if not answer.is_final or (answer.status == "stopped" and answer.reply_to not in self._stopped):
                wrong.append(f"the answer to {answer.reply_to} is {answer.status}")
        for number, client in enumerate(self.clients):
            shown = client.shown
            if shown.position != self.clients[0].shown.position:
                wrong.append(f"watcher {number} is at {shown.position}, watcher 0 at {self.clients[0].shown.position}")
            if not shown.is_at_rest:
                wrong.append(f"watcher {number} sees a run under way")
            if shown.users() != users:
                wrong.append(f"watcher {number} sees {shown.users()}, History {users}")
            if by_question(shown.answers()) != by_question(answers):
                wrong.append(f"watcher {number} sees {shown.answers()}, History {answers}")
        return wrong

    def _is_forgotten(self, answer: ShownMessage) -> bool:
        """Whether Redis has lost that this run was asked for: it was cut, and another one gave the answer."""
        asked, _ = self._asked.get(answer.reply_to, ("", 0))
        has_lost = self._store.losses != self._losses_at_first
        return has_lost and asked != answer.run_id and answer.status in ("interrupted", "stopped")

    def _check_ends(self, page: Event) -> None:
        """Each run has one start and one end in the journal: twice only where Redis lost the first."""
        may_lose = self._store.losses != self._losses_at_first
        for (kind, run_id), places in self.ledger.ends.items():
            if len(places) > (len({epoch for epoch, _ in places}) if may_lose else 1):
                self._tell(f"run {run_id} has {kind} at {sorted(places)}")
        kept, _ = messages_of(page, self.ledger)
        for answer in kept.values():
            if answer.role == "assistant":
                self._counts[f"runs {answer.status}"] += 1
                for kind in ("run_started", "done"):
                    was_seen = (kind, answer.run_id) in self.ledger.ends
                    self._counts[f"{kind} seen" if was_seen else f"{kind} seen in a snapshot only"] += 1


def by_question(answers: Iterable[ShownMessage]) -> list[ShownMessage]:
    """A snapshot does not tell the place of the answer under way among those that were stopped before they began."""
    return sorted(answers, key=lambda answer: (answer.reply_to, answer.run_id))
