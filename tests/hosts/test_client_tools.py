"""Tools that a client executes, as clients use them: what is offered, called, answered and refused."""

from tests.hosts.stage import (
    ANN,
    app_with,
    opened,
    reads,
    register,
    result,
    scripted,
    send,
    shown,
    told,
    watching,
    writes,
)


async def test_a_host_executes_what_the_model_calls() -> None:
    provider = scripted(reads(), writes("c2"))
    app = app_with(provider)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        host_id = await register(ann, session_id, "read_range", "write_range")
        async with watching(ann, session_id) as watcher:
            asked = await send(ann, session_id)
            first = await told(ann)
            assert first == {
                "sessionId": session_id,
                "callId": "c1",
                "runId": asked["runId"],
                "name": "read_range",
                "arguments": {"range": "A1"},
                "timeoutS": 60.0,
            }
            progress = await ann.invoke("ToolProgress", session_id, "c1", {"fraction": 0.5, "note": "reading"})
            assert progress == {"accepted": True}
            assert await result(ann, session_id, "c1", result={"values": [[7]]})
            assert (await told(ann))["name"] == "write_range"
            assert await result(ann, session_id, "c2", error="The sheet is protected.")
            assert (await watcher.done())["outcome"] == "completed"
        assert [spec.name for spec in shown(provider)] == ["read_range", "write_range"]
        start = watcher.of("tool_start")[0]
        assert (start["host"], start["hostName"]) == (host_id, "Budget.xlsx")
        assert [(one["fraction"], one["note"]) for one in watcher.of("tool_progress")] == [(0.5, "reading")]
        completes = watcher.of("tool_complete")
        assert (completes[0]["outcome"], completes[0]["result"]) == ("success", {"values": [[7]]})
        assert (completes[1]["outcome"], completes[1]["error"]) == ("failed", "The sheet is protected.")
