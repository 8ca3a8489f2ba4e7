"""The providers' page: each command is run as it stands there, and the banner says what stands behind it."""

import json
import re
import shlex
from pathlib import Path

import msgspec
import pytest

from hub import config
from hub.chat.parts import TextPart
from hub.offering import WINDOWS
from hub.providers.anthropic import AnthropicProvider
from hub.providers.openai import GEMINI, OLLAMA, OPENAI
from tests.running import running

PAGE = (Path(__file__).parent.parent / "docs" / "providers.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[dict[str, str], list[str], str]]:
    """Each with its variables, its flags, and what the banner has to say."""
    found = []
    for language, block in BLOCKS:
        if language != "sh":
            continue
        exported: dict[str, str] = {}
        for line in block.splitlines():
            words = shlex.split(line.replace("=… ", "=sk-ant-0123456789abcdef "), comments=True)
            if words[0] == "export":
                name, _, value = words[1].partition("=")
                exported[name] = value
                continue
            at = words.index("hubline")
            variables = exported | dict(word.split("=", 1) for word in words[:at])
            found.append((variables, words[at + 2 :], line.rsplit("# ", 1)[1]))
    return found


def test_every_block_is_run() -> None:
    assert {language for language, _ in BLOCKS} == {"sh", "json"}
    assert PAGE.count("```") == 2 * len(BLOCKS)
    assert len(commands()) == 9


def test_the_part_is_one_of_the_contract() -> None:
    (block,) = [block for language, block in BLOCKS if language == "json"]
    part = msgspec.json.decode(block, type=TextPart)
    assert json.loads(msgspec.json.encode(part)) == json.loads(block)
    (citation,) = part.citations
    assert part.text[citation.start : citation.end] == part.text
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE))))
    fields = msgspec.structs.fields(citation)
    assert {field.encode_name for field in fields} <= named


@pytest.mark.parametrize(("variables", "flags", "says"), commands())
def test_a_command_does_what_is_said(variables: dict[str, str], flags: list[str], says: str, tmp_path: Path) -> None:
    with running(tmp_path, "--backplane", "memory://", *flags, environment=variables) as server:
        assert server.end() == 0
    assert re.search(rf"provider +{re.escape(says)}\b", server.banner), server.banner
    assert "sk-ant" not in server.banner + "".join(server.log)


def test_what_is_named_is_there() -> None:
    for name in re.findall(r"(?<!-)--([a-z][a-z-]+)", PAGE):
        assert config.flag_of(name.replace("-", "_")) == f"--{name}"
    for provider in (AnthropicProvider("sk-ant-0123456789", base_url=None), OPENAI, GEMINI, OLLAMA):
        assert re.search(rf"^\| `{provider.name}` \|.*\| `{provider.default_model}` \|$", PAGE, re.MULTILINE)
    assert {pattern.split("/")[0] for pattern in WINDOWS} == {"anthropic", "openai", "gemini"}
