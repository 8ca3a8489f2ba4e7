"""Where a server listens: its sockets and its certificate. What is wrong with them is known before it starts."""

import errno
import socket
import ssl

from hub.config import Settings
from hub.errors import SettingsError


def listen(settings: Settings) -> list[socket.socket]:
    """A bound socket for each address of the host. Raises SettingsError."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"--host {settings.host} (HUBLINE_HOST) is no address of this machine: {error}.") from error
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        # Of "localhost" with port 0, the second address takes the port that the first was given.
        port = sockets[0].getsockname()[1] if sockets else address[1]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((address[0], port, *address[2:]))
            listening.listen(2048)  # at once: SO_REUSEADDR lets two sockets bind, but only one listen
            listening.setblocking(False)
            sockets.append(listening)
        except OSError as error:
            listening.close()
            # A machine may have a name for ::1 and no IPv6: what matters is that one address works.
            if failure is None or error.errno == errno.EADDRINUSE:
                failure = error
    if failure is not None and (not sockets or failure.errno == errno.EADDRINUSE):
        for bound in sockets:
            bound.close()
        raise SettingsError(_why_not_bound(settings, failure)) from failure
    return sockets


def _why_not_bound(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} on {settings.host} is taken: stop the program that uses it, "
            "or choose another with --port (HUBLINE_PORT, or PORT= with make run)."
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {settings.port} needs more rights than you have: choose one above 1023 with --port (HUBLINE_PORT)."
        )
    return f"Cannot listen on {settings.host} port {settings.port} (--host, --port): {error.strerror or error}."


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Raises SettingsError if the certificate or its key cannot be used."""
    if settings.certfile is None:
        return None
    for flag, path in (
        ("--certfile (HUBLINE_CERTFILE)", settings.certfile),
        ("--keyfile (HUBLINE_KEYFILE)", settings.keyfile),
    ):
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            raise SettingsError(f"{flag} names {path}, which cannot be read: {error.strerror or error}.") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key with a password would be asked for on the terminal of a server.
        context.load_cert_chain(settings.certfile, settings.keyfile, password="")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise SettingsError(
            f"--certfile {settings.certfile} and --keyfile {settings.keyfile or settings.certfile} are not a "
            "certificate chain with its key, both PEM and without a password."
        ) from error
    return context
