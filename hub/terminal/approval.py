"""A call that waits for somebody to allow it, and what a person says to that at the prompt."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

QUESTION = "Allow it? (y, y run, y session, n or e; ? explains them) "
EDITING = "Arguments: "
CHOICES = """\
  y          yes, this call
  y run      yes, and all further calls of this tool until the answer ends
  y session  yes, and all further calls of this tool in this session
  n          no; what you write after it is told to the model as the reason
  e          change the arguments first, as JSON"""
SCOPES = {"": "call", "call": "call", "run": "run", "session": "session"}


@dataclass(frozen=True, slots=True)
class Approval:
    """What is asked. `attempt` rises when a call is asked about again, with other arguments."""

    call_id: str
    attempt: int
    name: str
    reason: str
    arguments: Mapping[str, object]
    run_id: str = ""

    @property
    def text(self) -> str:
        return f"{self.name} waits for approval: {self.reason}"

    @property
    def arguments_text(self) -> str:
        return json.dumps(self.arguments, ensure_ascii=False)


Answer = Mapping[str, object]
"""As ResolveApproval takes it."""

Rule = Literal["all", "none", "wait"]
"""What is said to calls where nobody is asked: yes, no, or nothing, which leaves them to somebody else."""

NOBODY = "Nobody is at the terminal to be asked."
NOT_WANTED = "The user allows no calls that need approval."
RULES: Mapping[Rule, str] = {
    "all": "allowed, by --approve all",
    "none": "denied, by --approve none",
    "wait": "waiting until somebody allows or denies it elsewhere, in the viewer say, in the session",
}
DENIED_UNASKED = (
    "denied: nobody is here to be asked. --approve all allows all calls, --approve wait leaves them to others"
)


def ruled_answer(approval: Approval, rule: Rule | None) -> Answer | None:
    """What the rule says; None is nothing. Without a rule it is no, since a pipe waits for nobody. The reason is for
    the model."""
    match rule:
        case "all":
            return {"approve": True, "attempt": approval.attempt}
        case "wait":
            return None
        case _:
            reason = NOBODY if rule is None else NOT_WANTED
            return {"approve": False, "reason": reason, "attempt": approval.attempt}


def read_answer(approval: Approval, ask: Callable[[str, str], str], say: Callable[[str], None]) -> Answer:
    """What the person decides. `ask` shows a prompt, with a text to change, and returns a line; what it raises goes on
    to the caller. `say` shows why a line was not understood."""
    while True:
        word, _, rest = ask(QUESTION, "").strip().partition(" ")
        rest = rest.strip()
        answer: Answer | None = None
        match word.lower():
            case "y" | "yes" if rest in SCOPES:
                answer = {"approve": True, "scope": SCOPES[rest]}
            case "n" | "no":
                answer = {"approve": False, "reason": rest} if rest else {"approve": False}
            case "e" | "edit":
                answer = _edited(ask(EDITING, rest or approval.arguments_text))
        if answer is not None:
            return {**answer, "attempt": approval.attempt}
        say(CHOICES)


def _edited(text: str) -> Answer | None:
    """None: the text is no JSON object."""
    try:
        arguments = json.loads(text)
    except ValueError:
        return None
    return {"approve": True, "arguments": arguments} if isinstance(arguments, dict) else None
