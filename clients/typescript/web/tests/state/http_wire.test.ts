import { describe, expect, it } from "vitest";
import type { Observer } from "../../src/state/connection";
import { EitherWire } from "../../src/state/either_wire";
import { HttpWire } from "../../src/state/http_wire";
import { ManualTimers, ScriptedWire, settled } from "./fakes";

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

/** The API's end of the requests: what is asked, and what the test answers. */
class Server {
  asked: Asked[] = [];
  answers: (Response | Error)[] = [];

  readonly fetch = async (address: string, options: RequestInit): Promise<Response> => {
    const body = typeof options.body === "string" ? JSON.parse(options.body) : null;
    this.asked.push({ method: options.method ?? "GET", path: address, headers: options.headers as Record<string, string>, body });
    const answer = this.answers.shift() ?? json({ sessions: [], hasMore: false });
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), { status, headers });

function recorder() {
  const items: unknown[] = [];
  const errors: string[] = [];
  const observer: Observer<unknown> = {
    next: (item) => void items.push(item),
    error: (error) => void errors.push(String(error)),
    complete: () => undefined,
  };
  return { items, errors, observer };
}

async function open(token = "") {
  const server = new Server();
  const timers = new ManualTimers();
  const wire = new HttpWire("api", () => token, timers, server.fetch);
  const losses: unknown[] = [];
  wire.onclose((error) => losses.push(error));
  await wire.start();
  return { server, timers, wire, losses };
}

describe("plain HTTP", () => {
  it("asks with the token in a header", async () => {
    const { server, wire } = await open("secret");
    server.answers = [json({ runId: "r", state: "queued" }, 202)];
    const accepted = await wire.invoke("SendMessage", "a/b", { messageId: "m", content: "Hi" }, { whenBusy: "replace" });
    expect(accepted).toMatchObject({ runId: "r", messageId: "m", state: "queued" });
    expect(server.asked[1]).toMatchObject({
      method: "POST",
      path: "api/sessions/a%2Fb/messages",
      headers: { Authorization: "Bearer secret", Prefer: "respond-async", "Content-Type": "application/json" },
      body: { messageId: "m", content: "Hi", whenBusy: "replace" },
    });
  });

  it.each([
    ["OpenSession", [{ sessionId: "s" }], "POST", "api/sessions"],
    ["ListSessions", [{ limit: 30, before: 5 }], "GET", "api/sessions?limit=30&before=5"],
    ["Stop", ["s", { runId: "r" }], "POST", "api/sessions/s/stop"],
    ["Stop", ["s"], "POST", "api/sessions/s/stop"],
    ["ResolveApproval", ["s", "c?1", { approve: true }], "POST", "api/sessions/s/approvals/c%3F1"],
    ["DeleteSession", ["s"], "DELETE", "api/sessions/s"],
    ["Regenerate", ["s", { regenerateId: "g" }], "POST", "api/sessions/s/regenerate"],
  ])("has %s", async (method, args, verb, path) => {
    const { server, wire } = await open();
    server.answers = [json({ runId: "r" })];
    await wire.invoke(method, ...args);
    expect(server.asked[1]).toMatchObject({ method: verb, path });
  });

  it("tells the API's problems in the hub's words", async () => {
    const { server, wire } = await open();
    server.answers = [json({ code: "rate_limited", detail: "Too fast." }, 429, { "Retry-After": "2" }), new Response("?", { status: 502 })];
    await expect(wire.invoke("Stop", "s")).rejects.toThrow("[rate_limited] Too fast. (retry after 2 s)");
    await expect(wire.invoke("Stop", "s")).rejects.toThrow("[unavailable] The hub answered with 502.");
    await expect(wire.invoke("Rate", "s", "m", {})).rejects.toThrow("[unavailable]");
  });

  it("follows a session from its position, and says when the stream has ended", async () => {
    const { server, wire, losses } = await open();
    server.answers = [new Response('id: e:4\ndata: {"offset":4}\n\nid: e:5\ndata: {"offset":5}\n\n')];
    const { items, errors, observer } = recorder();
    wire.stream("Watch", "s", { epoch: "e", offset: 3 }).subscribe(observer);
    await expect.poll(() => errors.length).toBe(1);
    expect(server.asked[1]).toMatchObject({ path: "api/sessions/s/events", headers: { "Last-Event-ID": "e:3" } });
    expect(items).toEqual([{ offset: 4 }, { offset: 5 }]);
    expect(errors[0]).toContain("[unavailable]");
    expect(losses).toEqual([]);
  });

  it("is lost with the network: all that runs over it hears of it, once", async () => {
    const { server, wire, losses } = await open();
    const { errors, observer } = recorder();
    wire.stream("WatchSessions").subscribe(observer);
    server.answers = [new TypeError("Failed to fetch")];
    await expect(wire.invoke("Stop", "s")).rejects.toThrow("underlying connection being closed");
    await settled();
    expect(errors).toHaveLength(1);
    expect(losses).toHaveLength(1);
    await expect(wire.invoke("Stop", "s")).rejects.toThrow("underlying connection being closed");
  });

  it("finds changes of the list by asking for it", async () => {
    const { server, timers, wire } = await open();
    const { items, observer } = recorder();
    const { dispose } = wire.stream("WatchSessions").subscribe(observer);
    const list = (...rows: [string, number][]) => json({ sessions: rows.map(([sessionId, updatedAt]) => ({ sessionId, updatedAt })) });
    server.answers = [list(["a", 1], ["b", 2]), list(["b", 3]), list(["b", 3])];
    for (let turn = 0; turn < 3; turn++) {
      await timers.pass(5000);
      await expect.poll(() => server.answers.length).toBe(2 - turn);
      await settled();
    }
    expect(items.slice(2)).toEqual([
      { sessionId: "a", deleted: true },
      { sessionId: "b", updatedAt: 3 },
    ]);
    dispose();
    await timers.pass(20_000);
    expect(server.asked).toHaveLength(4);
  });

  it("does not start where the API says no", async () => {
    const server = new Server();
    server.answers = [json({}, 401)];
    await expect(new HttpWire("api", () => "", new ManualTimers(), server.fetch).start()).rejects.toThrow("Status code '401'");
  });
});

describe("either way", () => {
  function both(refusal: Error | null) {
    const [first, second] = [new ScriptedWire(), new ScriptedWire()];
    first.refusals = [refusal];
    return { first, second, wire: new EitherWire(first, second) };
  }

  it("is SignalR where that works", async () => {
    const { second, wire } = both(null);
    await wire.start();
    expect(second.starts).toBe(0);
    expect(wire.note).toBeNull();
  });

  it("is plain HTTP where no transport gets through, and says so; the next start tries SignalR first", async () => {
    const { first, second, wire } = both(new Error("Unable to connect to the server with any of the available transports."));
    let losses = 0;
    wire.onclose(() => (losses += 1));
    await wire.start();
    expect(wire.note).toContain("plain HTTP");
    await wire.invoke("Stop", "s");
    expect(second.calls).toHaveLength(1);
    second.lose();
    expect(losses).toBe(1);
    await wire.start();
    expect(first.starts).toBe(2);
    expect(wire.note).toBeNull();
  });

  it("fails as SignalR did if neither works, or the hub itself said no", async () => {
    const { second, wire } = both(new Error("Failed to fetch"));
    second.refusals = [new Error("Status code '502'")];
    await expect(wire.start()).rejects.toThrow("Failed to fetch");
    const refused = both(new Error("Status code '401'"));
    await expect(refused.wire.start()).rejects.toThrow("401");
    expect(refused.second.starts).toBe(0);
  });
});
