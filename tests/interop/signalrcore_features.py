"""What PyPI's `signalrcore` can do, over one transport, in a process of its own: it runs threads.

    python -m tests.interop.signalrcore_features URL json|messagepack WebSockets|ServerSentEvents|LongPolling

Prints a line of JSON: what it got. Every wait has its bound, and fails the script.
"""

import json
import logging
import os
import sys
import threading
from queue import Queue
from typing import Any

from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.subject import Subject
from signalrcore.types import HttpTransportType, HubProtocolEncoding

TIMEOUT_S = 10.0
ENCODINGS = {"json": HubProtocolEncoding.text, "messagepack": HubProtocolEncoding.binary}


class Client:
    def __init__(self, url: str, encoding: str, transport: str) -> None:
        options = {"transport": HttpTransportType(transport), "headers": {"X-HEADER": "VALUE"}}
        self.connection = (
            HubConnectionBuilder()
            .with_url(f"{url}/hub", options=options)
            .with_hub_protocol(ENCODINGS[encoding])
            .configure_logging(logging.ERROR)
            .with_automatic_reconnect({"type": "raw", "keep_alive_interval": 10, "reconnect_interval": 0.05})
            .build()
        )
        self.errors: Queue[Any] = Queue()
        self.opened: Queue[None] = Queue()
        self.connection.on_open(lambda: self.opened.put(None))
        self.connection.on_reconnect(lambda: self.opened.put(None))
        self.connection.on_error(lambda message: self.errors.put(message.error))

    def start(self) -> None:
        self.connection.start()
        self.opened.get(timeout=TIMEOUT_S)

    def invoke(self, method: str, *arguments: object) -> Any:
        answers: Queue[Any] = Queue()
        self.connection.invoke(method, list(arguments), answers.put)
        return answers.get(timeout=TIMEOUT_S).result

    def error_of(self, method: str, *arguments: object) -> Any:
        self.connection.invoke(method, list(arguments))
        return self.errors.get(timeout=TIMEOUT_S)

    def stream(self, method: str, *arguments: object) -> list[Any]:
        items: list[Any] = []
        over = threading.Event()
        stream = self.connection.stream(method, list(arguments))
        stream.subscribe({"next": items.append, "complete": lambda _: over.set(), "error": self.errors.put})
        assert over.wait(TIMEOUT_S)
        return items

    def upload(self, method: str, *items: object) -> None:
        """It cannot give further arguments, nor wait for the answer."""
        subject = Subject()
        self.connection.invoke(method, subject)
        for item in items:
            subject.next(item)
        subject.complete()


def more(client: Client, encoding: str, messages: "Queue[Any]") -> dict[str, Any]:
    client.connection.invoke("InvokeWithString", ["hello"])
    found: dict[str, Any] = {"message": messages.get(timeout=TIMEOUT_S)}
    client.invoke("Join", "abc")
    client.connection.invoke("Tell", ["group", "abc", "to the group"])
    found["group"] = messages.get(timeout=TIMEOUT_S)
    # It misses what comes before it listens, so this stream takes its time.
    found["stream"] = client.stream("LateCount", 50) == list(range(50))
    if encoding == "json":  # its MessagePack leaves the invocation id out of the array
        client.upload("NoteAll", "a", "b", "c")
    found["large"] = client.invoke("LengthOf", "x" * 20_000)
    return found


def main(url: str, encoding: str, transport: str) -> None:
    client = Client(url, encoding, transport)
    messages: Queue[Any] = Queue()
    client.connection.on("Message", messages.put)
    client.connection.on("Told", messages.put)
    client.start()
    values = [None, True, 1, -2.5, "é 🌍", [1, [2]], {"a": {"b": None}}]
    found: dict[str, Any] = {
        "values": [client.invoke("Echo", value) for value in values] == values,
        "header": client.invoke("Header", "X-HEADER"),
        "error": client.error_of("ThrowHubException", "no"),
        "unknown": client.error_of("NoSuchMethod"),
        "empty": client.invoke("Nothing"),
    }
    if transport != "LongPolling":  # where it reads one record of each poll, and keeps the others back
        found |= more(client, encoding, messages)
    print(json.dumps(found), flush=True)
    sys.stdin.readline()  # the connection has been closed and allowed to come back
    client.opened.get(timeout=TIMEOUT_S)
    print(json.dumps({"again": client.invoke("Echo", "again")}), flush=True)
    os._exit(0)  # its `stop` waits for the server's next ping


if __name__ == "__main__":
    main(*sys.argv[1:])
