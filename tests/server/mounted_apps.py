"""Applications that `test_mounts` serves in processes of their own: the example's board in every kind of house."""

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from examples.board import Board
from examples.board import app as own
from hub import Hubline


def hubline() -> Hubline:
    app = Hubline(backplane="memory://")
    app.hub("/board")(Board)
    return app


alone = hubline()

_inner = hubline()
starlette = Starlette(routes=[Mount("/ai", _inner)], lifespan=_inner.lifespan)

_within = hubline()
fastapi = FastAPI(lifespan=_within.lifespan)
fastapi.mount("/ai", _within)


@fastapi.get("/move/{card}/{to}")
async def move(card: str, to: int) -> bool:
    """From outside of a hub."""
    await _within.clients(Board).group("board").card_moved(card, to)
    return True


forgotten = FastAPI()
forgotten.mount("/ai", hubline())

__all__ = ["alone", "fastapi", "forgotten", "own", "starlette"]
