"""A chat by PyPI's `signalrcore`, in a process of its own: it runs threads and keeps its own ideas about warnings.

    python -m tests.interop.signalrcore_client URL json|messagepack CONTENT

Opens a session, prints `subscribed` once it reads a chat, and at its end a line of JSON: what it invoked and streamed.
"""

import json
import logging
import os
import sys
import threading
from queue import Queue
from typing import Any

from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.types import HttpTransportType, HubProtocolEncoding

TIMEOUT_S = 20.0
ENCODINGS = {"json": HubProtocolEncoding.text, "messagepack": HubProtocolEncoding.binary}


def main(url: str, encoding: str, content: str) -> None:
    connection = (
        HubConnectionBuilder()
        .with_url(f"{url}/hub", options={"transport": HttpTransportType.web_sockets})
        .with_hub_protocol(ENCODINGS[encoding])
        .configure_logging(logging.ERROR)
        .build()
    )
    opened = threading.Event()
    errors: Queue[Any] = Queue()
    connection.on_open(opened.set)
    connection.on_error(errors.put)
    connection.start()
    assert opened.wait(TIMEOUT_S)

    def invoke(method: str, *arguments: object) -> Any:
        answers: Queue[Any] = Queue()
        connection.send(method, list(arguments), answers.put)
        return answers.get(timeout=TIMEOUT_S).result

    session_id = invoke("OpenSession", {"title": "By signalrcore"})["sessionId"]
    connection.send("GetSession", ["ses_none"], print)
    error = errors.get(timeout=TIMEOUT_S).error

    items: list[Any] = []
    completed = threading.Event()
    chat = connection.stream("Chat", [session_id, {"messageId": "m1", "content": content}])
    chat.subscribe({"next": items.append, "complete": lambda _: completed.set(), "error": errors.put})
    print("subscribed", flush=True)
    assert completed.wait(TIMEOUT_S)

    history = invoke("History", session_id)
    print(json.dumps({"items": items, "error": error, "history": history}), flush=True)
    # Its `stop` waits for the server's next ping, so the process just ends: a lost connection, to the hub.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
