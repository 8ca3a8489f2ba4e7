"""The command `hubline`: what is wrong with a start is one sentence on stderr and exit code 2, never a traceback."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from pydantic_core import PydanticUndefined

from hub import config, log
from hub.config import Settings
from hub.errors import SettingsError
from hub.terminal import chat

EXIT_SETTINGS = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        code = arguments.run(arguments)
        assert isinstance(code, int)
        return code
    except SettingsError as error:
        print(f"hubline: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hubline", description="The real-time hub for AI sessions.")
    parser.add_argument("--version", action="version", version=f"hubline {version('hubline')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve_parser = commands.add_parser(
        "serve",
        help="serve the hub, its HTTP API and the web viewer",
        description="Each setting can also be given in the environment: --log-level as HUBLINE_LOG_LEVEL.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for name, field in Settings.model_fields.items():
        if flag := config.flag_of(name):
            default = "" if field.default in (None, (), PydanticUndefined) else f" (default: {field.default})"
            text = f"{field.description}{default}".replace("%", "%%")
            # A bare --detailed-errors is enough to switch it on.
            bare = {"nargs": "?", "const": "true"} if field.annotation is bool else {}
            serve_parser.add_argument(flag, dest=name, metavar=_metavar(name), help=text, **bare)  # type: ignore[arg-type]  # the two spellings of one call
    serve_parser.set_defaults(run=_serve)

    chat_parser = commands.add_parser("chat", help="talk to a hub from the terminal")
    chat_parser.add_argument("--url", default=chat.DEFAULT_URL, help="the hub's address (default: %(default)s)")
    chat_parser.add_argument("--session", metavar="ID", help="go on with this session instead of a new one")
    chat_parser.set_defaults(run=lambda arguments: chat.run(arguments.url, arguments.session))
    return parser


def _metavar(name: str) -> str:
    """SECONDS of `wall_time_s`, N of a number without a unit, PORT of `port`."""
    known = {"backplane": "URL", "provider": "NAME", "model": "NAME", "certfile": "FILE", "keyfile": "FILE"}
    last = name.rsplit("_", 1)[-1]
    number = name.startswith("max_") and last != "bytes"
    return known.get(name) or ("SECONDS" if last == "s" else "N" if number else last.upper())


def _serve(arguments: argparse.Namespace) -> int:
    # Not at the top: `hubline chat` starts in half the time without the server.
    from hub import serve

    flags = {name: value for name, value in vars(arguments).items() if name in Settings.model_fields}
    settings = config.load(flags)
    log.configure(settings.log_level)
    return serve.run(settings)
