"""What ends an upload that goes wrong in the middle."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.app import Hubline
from hub.errors import CallError, HubError
from hub.runs.files.limits import FileLimits
from hub.runs.files.pieces import joined
from tests.files.uploading import opened, upload


async def test_silence_ends_an_upload() -> None:
    async def silent() -> AsyncIterator[str]:
        yield "QUJD"
        await asyncio.Event().wait()

    with pytest.raises(CallError, match=r"\[invalid_arguments\] No piece came for 0.01 s"):
        await joined(silent(), 6, stall_s=0.01, longest_s=60)


async def test_an_upload_that_trickles_ends() -> None:
    async def trickle() -> AsyncIterator[str]:
        while True:
            await asyncio.sleep(0)
            yield ""

    with pytest.raises(CallError, match=r"\[invalid_arguments\] 6 bytes may take 0 s"):
        await joined(trickle(), 6, stall_s=60, longest_s=0.01)


def test_larger_files_may_take_longer() -> None:
    limits = FileLimits(least_bytes_per_s=1000)
    assert (limits.longest_s(0, 30), limits.longest_s(5000, 30)) == (30, 35)


async def test_a_user_has_few_uploads_under_way() -> None:
    app = Hubline(backplane="memory://")
    most = FileLimits().max_uploads
    begun = asyncio.Semaphore(0)
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[str]:
        yield "QUJD"
        begun.release()
        await go_on.wait()

    async with app.lifespan(), app.test_client(user="ann") as ann:
        await opened(ann)
        wish = {"name": "a.txt", "mediaType": "text/plain", "size": 3}
        uploads = [asyncio.create_task(ann.invoke("Upload", "s", wish, slowly())) for _ in range(most)]
        for _ in range(most):
            await begun.acquire()
        with pytest.raises(HubError, match=r"\[rate_limited\]"):
            await upload(ann, b"ABC", media_type="text/plain")
        go_on.set()
        assert len({str(answer) for answer in await asyncio.gather(*uploads)}) == most
        await upload(ann, b"ABC", media_type="text/plain")
