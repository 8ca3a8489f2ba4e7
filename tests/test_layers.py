"""Imports go down only (design, section 4). Every import statement of `hub/` is held to the table below."""

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What everything but the pure rooms may import.
GROUND = ("hub.errors", "hub.clock", "hub.log", "hub.metrics", "hub.normalised")
INTERFACES = ("hub.backplane.base", "hub.providers.base", "hub.tools.base")
STRUCTS = ("hub.chat.parts", "hub.chat.events")

# Room → what it may import of `hub` besides itself. A module not listed fails: give it its place here first.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "hub.errors": (),
    "hub.clock": (),
    "hub.uncaught": ("hub.errors",),
    "hub.log": (),
    "hub.metrics": (),
    "hub.normalised": (),
    "hub.hook_settings": (),
    "hub.provider_settings": (),
    "hub.limit_settings": (),
    "hub.identity_settings": ("hub.provider_settings",),
    "hub.tool_settings": ("hub.provider_settings",),
    "hub.config": (
        *("hub.errors", "hub.log", "hub.hook_settings", "hub.identity_settings", "hub.limit_settings"),
        *("hub.provider_settings", "hub.tool_settings"),
    ),
    "hub.protocol": ("hub.errors",),
    "hub.chat": ("hub.errors",),
    "hub.tables": (),
    "hub.backplane": GROUND,
    "hub.providers": (*GROUND, *STRUCTS, "hub.tables"),
    "hub.tools": (*GROUND, *STRUCTS, "hub.providers.base", "hub.tables"),
    "hub.hooks": (*GROUND, *STRUCTS, "hub.providers.base"),
    # `Encoded`: what goes to many watchers is encoded once, below the transport.
    "hub.runs": (
        *(*GROUND, *INTERFACES, "hub.chat", "hub.hooks", "hub.protocol.messages"),
        *("hub.tools.client_side", "hub.tools.policy"),
    ),
    "hub.server": (*GROUND, "hub.protocol", "hub.backplane.base"),
    "hub.chat_hub": (*GROUND, *INTERFACES, "hub.chat", "hub.protocol", "hub.runs", "hub.server", "hub.chat_requests"),
    "hub.chat_requests": (*GROUND, "hub.backplane.base", "hub.chat", "hub.runs", "hub.server", "hub.tools.client_side"),
    "hub.pages": ("hub.metrics", "hub.server.auth"),
    "hub.authentication": (*GROUND, "hub.config", "hub.server.auth"),
    "hub.api": (
        *(*GROUND, *INTERFACES, "hub.chat", "hub.chat_requests"),
        *("hub.protocol.messages", "hub.protocol.values", "hub.runs", "hub.server"),
    ),
    "hub.downloads": (*GROUND, "hub.api", "hub.chat.parts", "hub.runs.files", "hub.server"),
    # Part of the app: it makes the providers.
    "hub.offering": (*GROUND, "hub.config", "hub.hooks", "hub.provider_settings", "hub.providers", "hub.runs"),
    "hub.measures": (
        *("hub.config", "hub.server.options"),
        *("hub.runs.files.limits", "hub.runs.follow.attendance", "hub.runs.hosts.limits", "hub.runs.limits"),
    ),
    "hub.banner": ("hub.config",),
    "hub.tooling": (*GROUND, "hub.config", "hub.tools"),
    "hub.app": (
        *GROUND,
        *(
            "hub.authentication",
            "hub.backplane",
            "hub.banner",
            "hub.chat",
            "hub.chat_hub",
            "hub.config",
            "hub.api",
            "hub.downloads",
            "hub.measures",
            "hub.offering",
            "hub.pages",
            "hub.protocol",
            "hub.providers",
            "hub.uncaught",
        ),
        *("hub.hooks", "hub.runs", "hub.server", "hub.tooling", "hub.tools"),
    ),
    "hub.terminal": (*GROUND, "hub.protocol", "hub.chat"),
    "hub.listening": (*GROUND, "hub.config"),
    "hub.workers": (*GROUND, "hub.config"),
    "hub.serve": (*GROUND, "hub.app", "hub.config", "hub.listening", "hub.workers", "hub.server.transports"),
    "hub.cli": (*GROUND, "hub.authentication", "hub.config", "hub.serve", "hub.terminal", "hub.uncaught"),
    "hub.__main__": ("hub.cli",),
    # The public names. Nothing in `hub` imports from it.
    "hub": ("hub.app", "hub.chat.parts", "hub.hooks", "hub.server", "hub.tools", "hub.errors"),
}

PURE_ROOMS = ("hub.protocol", "hub.chat", "hub.tables", "hub.tools.policy")
PURE_LIBRARIES = {"msgspec", "orjson", "msgpack"}
PURE_STDLIB = {
    *(
        "abc",
        "base64",
        "binascii",
        "bisect",
        "codecs",
        "collections",
        "contextlib",
        "copy",
        "csv",
        "dataclasses",
        "datetime",
    ),
    *("decimal", "enum", "functools", "hashlib", "heapq", "io", "itertools", "json", "math", "operator", "re"),
    *("string", "struct", "types", "typing", "unicodedata", "warnings"),
}

IMPLEMENTATIONS = (
    *("hub.backplane.memory", "hub.backplane.sqlite", "hub.backplane.redis"),
    *("hub.providers.demo", "hub.providers.anthropic", "hub.providers.openai"),
)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted((ROOT / "hub").rglob("*.py"))}


def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"), filename=str(MODULES[module]))


def imports(module: str) -> Iterator[tuple[int, str]]:
    """All that a module imports, at its top or within a function: line and full name, `hub` modules as modules."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, origin]) if origin else ".".join(above)
            for alias in node.names:
                whole = f"{origin}.{alias.name}"
                yield node.lineno, whole if whole in MODULES else origin


def within(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def room_of(module: str) -> str | None:
    """The entry of the table that a module falls under: the longest that fits. `hub` itself covers nothing else."""
    fitting = [room for room in MAY_IMPORT if within(module, (room,)) and (room != "hub" or module == "hub")]
    return max(fitting, key=len, default=None)


def implementation_of(module: str) -> str | None:
    """Which implementation a module belongs to; `hub.backplane.sqlite_rows` is part of `hub.backplane.sqlite`."""
    return next(
        (name for name in IMPLEMENTATIONS if module == name or module.startswith((f"{name}.", f"{name}_"))), None
    )


def is_ours(name: str) -> bool:
    return name == "hub" or name.startswith("hub.")


def test_every_module_is_parsed() -> None:
    assert "hub.errors" in MODULES
    assert "hub.protocol.messages" in MODULES
    assert len(MODULES) > 10


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_what_lies_below_it(module: str) -> None:
    room = room_of(module)
    assert room is not None, f"{module} has no place in tests/test_layers.py"
    allowed = (room, *MAY_IMPORT[room]) if room != "hub" else MAY_IMPORT[room]
    wrong = [f"line {line}: {name}" for line, name in imports(module) if is_ours(name) and not within(name, allowed)]
    assert not wrong, f"{module} may not import {wrong}"


@pytest.mark.parametrize("module", [name for name in MODULES if within(name, PURE_ROOMS)])
def test_a_pure_room_imports_no_loop_clock_randomness_or_network(module: str) -> None:
    pure = PURE_STDLIB | PURE_LIBRARIES
    wrong = [
        f"line {line}: {name}" for line, name in imports(module) if not is_ours(name) and name.split(".")[0] not in pure
    ]
    assert not wrong, f"{module} is pure and may not import {wrong}"
    clocks = {"now", "utcnow", "today"}
    read = [node.lineno for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute) and node.attr in clocks]
    assert not read, f"{module} reads a clock in lines {read}; times are arguments"


@pytest.mark.parametrize("module", [name for name in MODULES if name not in ("hub.app", "hub.offering")])
def test_only_the_app_names_implementations(module: str) -> None:
    own = implementation_of(module)
    for line, name in imports(module):
        named = implementation_of(name)
        assert named is None or named == own, f"{module}, line {line} names {name}"


@pytest.mark.parametrize("module", [name for name in MODULES if name != "hub.config"])
def test_only_the_settings_read_the_environment(module: str) -> None:
    readers = {"environ", "environb", "getenv", "getenvb"}
    wrong = [
        node.lineno
        for node in ast.walk(tree(module))
        if (isinstance(node, ast.Attribute) and node.attr in readers)
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and readers & {alias.name for alias in node.names})
    ]
    assert not wrong, f"{module} reads the environment in lines {wrong}; hub/config.py does that"


def test_there_is_no_import_cycle() -> None:
    graph = {module: {name for _, name in imports(module) if name in MODULES and name != module} for module in MODULES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"import cycle: {' → '.join(reversed(error.args[1]))}")


def test_the_table_names_only_the_standard_library_as_such() -> None:
    assert PURE_STDLIB <= sys.stdlib_module_names


@pytest.mark.parametrize("folder", ["hub", "tests"])
def test_no_file_is_longer_than_500_lines(folder: str) -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in (ROOT / folder).rglob("*.py")}
    assert not {str(path): lines for path, lines in lengths.items() if lines > 500}
