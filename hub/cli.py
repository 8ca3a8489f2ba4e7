"""The command `hubline`: what is wrong with a start is one sentence on stderr and exit code 2, never a traceback."""

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version

from pydantic_core import PydanticUndefined

from hub import config, log
from hub.config import Settings
from hub.errors import SettingsError
from hub.terminal import chat
from hub.uncaught import EXIT_SETTINGS

EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    arguments, unknown = _parser().parse_known_args(argv)
    try:
        if unknown:
            raise _unknown(arguments.command, unknown)
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
        description="Each setting can also be given in the environment: --log-level as HUBLINE_LOG_LEVEL. "
        f"Secrets can only be given there: {', '.join(config.secret_variables())}.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for name, field in Settings.model_fields.items():
        if flag := config.flag_of(name):
            default = "" if field.default in (None, (), {}, PydanticUndefined) else f" (default: {field.default})"
            text = f"{field.description}{default}".replace("%", "%%")
            # A bare --detailed-errors is enough to switch it on.
            bare = {"nargs": "?", "const": "true"} if field.annotation is bool else {}
            serve_parser.add_argument(flag, dest=name, metavar=_metavar(name), help=text, **bare)  # type: ignore[arg-type]  # the two spellings of one call
    serve_parser.set_defaults(run=_serve, command=serve_parser)

    chat_parser = commands.add_parser("chat", help="talk to a hub from the terminal")
    chat_parser.add_argument("--url", default=chat.DEFAULT_URL, help="the hub's address (default: %(default)s)")
    chat_parser.add_argument("--session", metavar="ID", help="go on with this session instead of a new one")
    chat_parser.add_argument("--token", help="a token to connect with (or HUBLINE_TOKEN, which nobody else can see)")
    chat_parser.add_argument(
        "--approve",
        choices=["all", "none", "wait"],
        help="what is said to tool calls that need approval when the message is piped in: all are allowed, none is "
        "(which is what happens without this; it then ends with 1), or they wait for somebody else to answer",
    )
    chat_parser.set_defaults(run=_chat, command=chat_parser)

    token_parser = commands.add_parser(
        "token",
        help="print a token for trying authentication",
        description="Signed with HUBLINE_JWT_SECRET, for a server that has the same.",
    )
    token_parser.add_argument("--user", required=True, metavar="ID", help="whose token it is")
    token_parser.add_argument("--role", action="append", default=[], metavar="NAME", help="a role; may be repeated")
    token_parser.add_argument("--org", metavar="NAME", help="the user's organisation")
    token_parser.add_argument("--name", help="the user's name, for people's eyes")
    token_parser.add_argument(
        "--ttl", default="1h", help="how long it is good: 90s, 30m, 1h, 7d (default: %(default)s)"
    )
    token_parser.set_defaults(run=_token, command=token_parser)
    return parser


def _unknown(command: argparse.ArgumentParser, words: Sequence[str]) -> SettingsError:
    """Says what the first of the words may have been meant for, without its value, which may be a secret."""
    word = next((word for word in words if word.startswith("-")), words[0]).partition("=")[0][:40]
    flags = re.findall(r"--[\w-]+", command.format_usage())
    nearest = difflib.get_close_matches(word, flags, n=1)
    more = f"the nearest is {nearest[0]}" if nearest else f"{command.prog} --help names all"
    return SettingsError(f"{command.prog} does not know {word}; {more}.")


def _metavar(name: str) -> str:
    """SECONDS of `wall_time_s`, N of a number without a unit, PORT of `port`."""
    known = {"backplane": "URL", "provider": "NAME", "model": "NAME", "certfile": "FILE", "keyfile": "FILE"}
    known |= {"jwt_public_key": "FILE", "jwt_leeway_s": "SECONDS"}
    last = name.rsplit("_", 1)[-1]
    number = name.startswith("max_") and last != "bytes"
    return known.get(name) or ("N" if number else "SECONDS" if last == "s" else last.upper())


def _chat(arguments: argparse.Namespace) -> int:
    return chat.run(arguments.url, arguments.session, config.client_token(arguments.token), arguments.approve)


def _token(arguments: argparse.Namespace) -> int:
    from hub import authentication

    token = authentication.sign_token(
        config.load(),
        arguments.user,
        roles=arguments.role,
        organisation=arguments.org,
        name=arguments.name,
        ttl_s=_seconds(arguments.ttl),
    )
    print(token)
    return 0


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if match is None or int(match[1]) == 0:
        raise SettingsError(f"--ttl must be a time like 90s, 30m, 1h or 7d, not {text[:40]!r}.")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}[match[2]]


def _serve(arguments: argparse.Namespace) -> int:
    # Not at the top: `hubline chat` starts in half the time without the server.
    from hub import serve

    flags = {name: value for name, value in vars(arguments).items() if name in Settings.model_fields}
    settings = config.load(flags)
    log.configure(settings.log_level)
    return serve.run(settings)
