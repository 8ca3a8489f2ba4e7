"""Asks for runs and stops: what the calls that make answers have in common."""

import hashlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
from msgspec import UNSET

from hub.backplane.base import Ask, Backplane, Known, Position, WhenBusy
from hub.chat.parts import Autonomy, FilePart, Json, Message, Session, TextPart, WireStruct
from hub.errors import CallError
from hub.hooks.base import Checked, UserMessage
from hub.providers.base import Provider
from hub.runs import ask as asks
from hub.runs.access import Access, check_autonomy
from hub.runs.ask import RunAsk
from hub.runs.drive.supervisor import Supervisor
from hub.runs.environment import RunEnvironment
from hub.runs.files.store import SessionFiles
from hub.runs.reading import Reading

ANSWER = "answer"
"""The prefix of the ids that the hub gives to answers; a message of a client with such an id would take its place."""


class Asked(WireStruct, frozen=True, kw_only=True):
    """What the asker gets back: the run, and a position from which all of it can be watched."""

    run_id: str
    message_id: str
    epoch: str
    offset: int
    state: str

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.offset)


class StopAnswer(WireStruct, frozen=True, kw_only=True):
    run_ids: Sequence[str]
    outcome: str


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is wanted; None: as the session says."""

    provider: str | None = None
    model: str | None = None
    autonomy: Autonomy | None = None
    when_busy: WhenBusy = "queue"
    max_steps: int | None = None
    continues: str | None = None


class Providers:
    """The providers that this hub offers, and those that it knows of but has no key for.

    `models_allowed`: the models that may be asked for besides each provider's default one, `*` standing for anything;
    empty for all.
    """

    def __init__(
        self,
        offered: Mapping[str, Provider],
        default: str,
        *,
        without_key: Mapping[str, str],
        models_allowed: Sequence[str] = (),
    ) -> None:
        self.offered = offered
        self.default = default
        self._without_key = without_key  # provider: the setting that holds its key
        self._models_allowed = models_allowed

    def choose(self, provider: str | None, model: str | None) -> tuple[str, str]:
        """The provider and model to use. Raises what the user can do about one that cannot be had."""
        name = provider or self.default
        chosen = self.offered.get(name)
        if chosen is None and name in self._without_key:
            raise CallError("provider_missing_key", f"{name} has no key here. Set {self._without_key[name]}.")
        if chosen is None:
            raise CallError("provider_not_allowed", f"Choose one of these providers: {', '.join(self.offered)}.")
        if model and not self._is_allowed(model, chosen):
            allowed = ", ".join(dict.fromkeys((chosen.default_model, *self._models_allowed)))
            raise CallError("provider_not_allowed", f"Choose one of these models: {allowed}.")
        return name, model or chosen.default_model

    def _is_allowed(self, model: str, provider: Provider) -> bool:
        if not self._models_allowed or model == provider.default_model:
            return True
        return any(fnmatchcase(model, pattern) for pattern in self._models_allowed)

    def choose_for(self, session: Session, provider: str | None, model: str | None) -> tuple[str, str]:
        """As `choose`; what is not said is the session's, unless another provider is chosen."""
        if provider is None or provider == session.provider:
            return self.choose(session.provider, model or session.model)
        return self.choose(provider, model)


class Asking:
    """SendMessage, Regenerate and Stop, with all their rules."""

    def __init__(
        self,
        environment: RunEnvironment,
        backplane: Backplane,
        access: Access,
        reading: Reading,
        supervisor: Supervisor,
        providers: Providers,
        files: SessionFiles,
    ) -> None:
        self._files = files
        self._env = environment
        self._backplane = backplane
        self._access = access
        self._reading = reading
        self._supervisor = supervisor
        self._providers = providers

    async def send(
        self,
        user: str,
        session_id: str,
        message_id: str,
        parts: Sequence[TextPart | FilePart],
        *,
        context: Json = None,
        replaces: str | None = None,
        wish: Wish,
    ) -> Asked:
        """Ask for an answer to a message. The same `message_id` again gives what it gave before."""
        session = await self._access.editor(session_id, user)
        check_autonomy(session, user, wish.autonomy)
        provider, model = self._providers.choose_for(session, wish.provider, wish.model)
        reply_to = None
        if wish.continues is not None:
            answer = await self._continued(session_id, wish.continues)
            reply_to = answer if not parts else None
        elif not parts:
            raise CallError("invalid_arguments", "The message has no content. Send some text.")
        if replaces is not None:
            await self._replaceable(session_id, message_id, replaces)
        digest = _digest(parts, context, replaces, wish.continues)  # of what was sent: a repeat is known by it
        parts = await self._files.resolved(session, parts)
        checked = await self._checked(session_id, message_id, user, parts, context, provider, model)
        if checked.text is not None:
            parts = [TextPart(checked.text), *(part for part in parts if isinstance(part, FilePart))]
        ask = RunAsk(
            message_id=message_id,
            answer_id=self._env.new_id(ANSWER),
            author=user,
            parts=parts or None,
            context=context if checked.context is UNSET else checked.context,
            reply_to=reply_to,
            replaces=replaces,
            continues=wish.continues,
            provider=provider,
            model=model,
            autonomy=wish.autonomy,
            max_steps=wish.max_steps,
            session_created_at=session.created_at,
            flags=checked.flags,
        )
        return await self._ask(session_id, message_id, ask, digest, wish.when_busy)

    async def _checked(
        self,
        session_id: str,
        message_id: str,
        user: str,
        parts: Sequence[TextPart | FilePart],
        context: Json,
        provider: str,
        model: str,
    ) -> Checked:
        """What the input checks make of a message; what was accepted before is not checked again."""
        if not self._env.hooks.input_checks or not parts:
            return Checked()
        if await self._backplane.inbox.known(session_id, ask_id=message_id) is not None:
            return Checked()
        text = "\n\n".join(part.text for part in parts if isinstance(part, TextPart))
        return await self._env.hooks.check(
            UserMessage(session_id=session_id, user=user, text=text, context=context, provider=provider, model=model)
        )

    async def regenerate(
        self,
        user: str,
        session_id: str,
        regenerate_id: str,
        message_id: str | None,
        *,
        provider: str | None = None,
        model: str | None = None,
    ) -> Asked:
        """Answer the last user message (or that one) anew."""
        session = await self._access.editor(session_id, user)
        chosen, chosen_model = self._providers.choose_for(session, provider, model)
        known = await self._backplane.inbox.known(session_id, ask_id=regenerate_id)
        reply_to = message_id or ""
        if known is None:
            reply_to = (await self._answerable(session_id, message_id)).message_id
        ask = RunAsk(
            message_id=reply_to,
            answer_id=self._env.new_id(ANSWER),
            author=user,
            reply_to=reply_to,
            provider=chosen,
            model=chosen_model,
            session_created_at=session.created_at,
        )
        digest = _digest("regenerate", message_id, provider, model)
        return await self._ask(session_id, regenerate_id, ask, digest, "queue")

    async def stop(
        self, user: str, session_id: str, *, run_id: str | None, message_id: str | None, queued: bool
    ) -> StopAnswer:
        """Stop a run, by its id, by its message's, or the active one; returns once that is stored."""
        await self._access.editor(session_id, user)
        stopped = await self._backplane.inbox.stop(
            session_id,
            by=user,
            run_id=run_id,
            ask_id=message_id if run_id is None else None,
            queued=queued,
            now=self._env.now_ms(),
            remember_ms=self._env.limits.remember_stop_ms,
        )
        if stopped.outcome == "unknown_run":
            raise CallError(
                "run_not_found", "There is no such run in this session. Leave runId out for the active one."
            )
        if stopped.outcome == "stopping":
            self._supervisor.touch(session_id)
        return StopAnswer(run_ids=stopped.run_ids, outcome=stopped.outcome)

    async def _ask(self, session_id: str, ask_id: str, ask: RunAsk, digest: str, when_busy: WhenBusy) -> Asked:
        if ask_id.startswith(f"{ANSWER}_"):
            raise CallError("conflict", f"Ids that begin with {ANSWER}_ are the hub's own. Make another one.")
        position = await self._backplane.journal.top(session_id)
        limits = self._env.limits
        accepted = await self._backplane.inbox.accept(
            session_id,
            Ask(
                ask_id=ask_id,
                run_id=self._env.new_id("run"),
                digest=digest,
                body=ask.encode(),
                asked_at=self._env.now_ms(),
                when_busy=when_busy,
            ),
            position,
            max_queued=limits.max_queued_runs,
            now=self._env.now_ms(),
        )
        if accepted.outcome == "conflict":
            raise CallError("conflict", "This id was used for something else in this session. Make a new one.")
        if accepted.known is None:
            if when_busy == "reject":
                raise CallError("busy", "A run is under way in this session. Wait for it, or stop it.")
            text = f"{limits.max_queued_runs} runs wait in this session (max_queued_runs). Wait, or stop some of them."
            raise CallError("busy", text)
        if accepted.known.state != "done":
            self._supervisor.touch(session_id)
        return _asked(accepted.known)

    async def _continued(self, session_id: str, run_id: str) -> str:
        """The user message whose answer by that run is to be gone on with."""
        missing = CallError("run_not_found", "There is no answer of this run to continue. `continues` takes a runId.")
        if await self._backplane.inbox.known(session_id, run_id=run_id) is None:
            raise missing  # before the whole session is read
        messages = await self._reading.messages(session_id)
        for place, message in enumerate(messages):
            if message.run_id == run_id and message.role == "assistant":
                if message.status not in ("stopped", "interrupted", "limit", "failed"):
                    text = "Only an answer that was stopped or cut off can be continued. Send a new message instead."
                    raise CallError("conflict", text)
                asked = [earlier for earlier in messages[:place] if earlier.role == "user"]
                return asked[-1].message_id if asked else message.message_id
        raise missing

    async def _replaceable(self, session_id: str, message_id: str, replaces: str) -> None:
        """See that `replaces` is a user message that stands; repeating the call that replaced it is no error."""
        old = await self._reading.message(session_id, replaces)
        if old is None or old.role != "user":
            raise CallError("message_not_found", "There is no user message to replace. Give the id of one of them.")
        if old.status == "superseded" and await self._backplane.inbox.known(session_id, ask_id=message_id) is None:
            raise CallError("conflict", "This message was replaced already. Edit the one that took its place.")

    async def _answerable(self, session_id: str, message_id: str | None) -> Message:
        """The user message to answer anew: the last one, that one, or the one that answer was to."""
        missing = CallError("message_not_found", "There is no such user message to answer anew. Send one first.")
        if message_id is not None and not await self._reading.has(session_id, message_id):
            raise missing  # before the whole session is read
        messages = await self._reading.messages(session_id)
        asked = [message for message in messages if message.role == "user" and message.status == "complete"]
        if message_id is None and asked:
            return asked[-1]
        for message in asked:
            if message.message_id == message_id:
                return message
        answer = next((message for message in messages if message.message_id == message_id), None)
        if answer is not None and answer.role == "assistant":
            before = messages[: messages.index(answer)]
            earlier = [message for message in before if message in asked]
            if earlier:
                return earlier[-1]
        raise missing


def _asked(known: Known) -> Asked:
    return Asked(
        run_id=known.ask.run_id,
        message_id=asks.decode(known.ask.body).message_id,
        epoch=known.position.epoch,
        offset=known.position.offset,
        state="queued" if known.state == "queued" else "started",
    )


def _digest(*content: object) -> str:
    """Tells one content from another; the order of an object's fields does not matter."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
