"""How Redis keeps the contents of files: in pieces, of which one is read without the others."""

import random
import re

from hub.backplane.base import FileRecord
from hub.backplane.redis import RedisBackplane
from hub.backplane.redis.files import PIECE_BYTES
from tests.backplane.redis.conftest import Open
from tests.backplane.redis_server import RedisServer

CONTENT = random.Random(3).randbytes(10 * PIECE_BYTES + 1)
RECORD = FileRecord("f", "a.txt", "text/plain", len(CONTENT), 7)


async def stored(backplane: RedisBackplane) -> None:
    assert await backplane.files.put("s", RECORD, CONTENT, max_total_bytes=len(CONTENT))


def sent_bytes(server: RedisServer) -> int:
    found = re.search(r"total_net_output_bytes:(\d+)", server.ask_all("INFO", "stats"))
    assert found is not None
    return int(found[1])


async def test_who_reads_a_piece_moves_that_piece_only(own_server: RedisServer, open_redis: Open) -> None:
    backplane = await open_redis(own_server.url, probe_s=60.0)
    await stored(backplane)
    before = sent_bytes(own_server)
    assert (
        await backplane.files.read("s", "f", 3 * PIECE_BYTES, PIECE_BYTES) == CONTENT[3 * PIECE_BYTES :][:PIECE_BYTES]
    )
    assert PIECE_BYTES < sent_bytes(own_server) - before < 2 * PIECE_BYTES


async def test_nothing_stays_of_a_removed_file(server: RedisServer, open_redis: Open) -> None:
    backplane = await open_redis(server.url)
    await stored(backplane)
    await backplane.files.remove("s", "f")
    keys = backplane.servers.keys.session("s")
    assert await backplane.servers.call(keys.bucket, b"HGETALL", keys.files) == [b"t", b"0"]


async def test_a_file_of_before_there_were_pieces_is_read_and_removed(server: RedisServer, open_redis: Open) -> None:
    backplane = await open_redis(server.url)
    await stored(backplane)
    keys = backplane.servers.keys.session("s")
    pieces = [f"p{number}:f" for number in range(11)]
    assert await backplane.servers.call(keys.bucket, b"HDEL", keys.files, *pieces) == len(pieces)
    await backplane.servers.call(keys.bucket, b"HSET", keys.files, b"c:f", CONTENT)
    assert await backplane.files.content("s", "f") == CONTENT
    for offset in (0, 5, PIECE_BYTES, 3 * PIECE_BYTES + 9, len(CONTENT) - 1, len(CONTENT)):
        assert await backplane.files.read("s", "f", offset, 100) == CONTENT[offset : offset + 100]
    await backplane.files.remove("s", "f")
    assert await backplane.files.get("s", "f") is None and await backplane.files.total("s") == 0
