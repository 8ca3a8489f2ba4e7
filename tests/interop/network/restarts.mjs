// Servers that end and come back on the same SQLite file.

import { equal, matches, ok } from "../lib/check.mjs";
import { textOf } from "../lib/fold.mjs";
import { gate, pace, say, script } from "../lib/script.mjs";

const PIECES = Array.from({ length: 300 }, (_, index) => `word${index} `);
const LAST = PIECES.at(-1);
const LENGTH = PIECES.join("").length;

export async function a_client_reconnects_by_itself_and_resumes(t) {
  const tab = await t.connect({ reconnect: Array(500).fill(20) });
  const { sessionId } = await tab.invoke("OpenSession");
  const watch = await tab.watch(sessionId);
  await watch.done((await tab.send(sessionId, t.id("m"), script("x", [say("before")]))).runId);
  const content = script("x", [pace(1), say(...PIECES, gate(t.id("gate")))]);
  const { runId } = await tab.send(sessionId, t.id("m"), content);
  await watch.said(PIECES[50]);
  const back = new Promise((resolve) => tab.connection.onreconnected(resolve));
  await t.ask("restart");
  await back;
  ok(watch.error !== null, "the stream has ended with the connection");
  const before = textOf(watch.fold.answerTo(runId));
  const resumed = tab.follow(sessionId, watch.fold.position, watch.fold);
  const fresh = await (await t.connect()).watch(sessionId);
  await Promise.all([resumed.until(() => resumed.fold.isDone(runId), "done"), fresh.until(() => fresh.fold.isDone(runId), "done")]);
  equal(resumed.fold.transcript(), fresh.fold.transcript(), "the transcript");
  ok(textOf(resumed.fold.answerTo(runId)).startsWith(before), "what was seen is still there");
  equal(resumed.fold.answerTo(runId).status, "interrupted", "the status");
  const next = await tab.send(sessionId, t.id("m"), script("x", [say("after")]));
  equal((await resumed.done(next.runId)).outcome, "completed", "the next message's outcome");
}

// The test of SIGKILL: no event that a client saw is lost, the run under way is `interrupted`, and the session
// takes a new message.
export async function killed_at_random_moments(t, { kills }) {
  let tab = await t.connect();
  const { sessionId } = await tab.invoke("OpenSession");
  let watch = await tab.watch(sessionId);
  for (let count = 0; count < kills; count += 1) {
    const content = script("x", [pace(1), say(...PIECES, gate(t.id("gate")))]);
    const { runId } = await tab.send(sessionId, t.id("m"), content);
    // In characters seen of the answer; some before its first one.
    const moment = t.random(LENGTH) - LENGTH / 10;
    const length = () => (watch.fold.runs.has(runId) ? textOf(watch.fold.answerTo(runId)).length : -1);
    await watch.until(() => length() >= Math.max(moment, -1), `character ${moment} (kill ${count})`);
    await t.ask("kill");
    await tab.closed;
    const seen = watch.fold;
    const hadBegun = seen.runs.has(runId);
    const before = hadBegun ? textOf(seen.answerTo(runId)) : "";
    const messages = [...seen.messages.keys()];
    await t.ask("start");

    tab = await t.connect();
    const position = seen.position;
    watch = tab.follow(sessionId, position, seen);
    const fresh = await tab.watch(sessionId);
    for (const each of [watch, fresh]) {
      const isSettled = () => {
        const answer = each.fold.answerTo(runId);
        return answer !== undefined && (each.fold.isDone(runId) || textOf(answer).endsWith(LAST));
      };
      await each.until(isSettled, `the end of the run (kill ${count})`);
    }
    if (!watch.fold.isDone(runId)) {
      // It was accepted, and nothing of it had been written: it was made after all.
      ok(!hadBegun, "a run that had begun is not begun again");
      await tab.invoke("Stop", sessionId, { runId });
      await Promise.all([watch.done(runId), fresh.until(() => fresh.fold.isDone(runId), "the run's end")]);
    }
    const answer = watch.fold.answerTo(runId);
    if (hadBegun) equal(answer.status, "interrupted", "the status");
    ok(textOf(answer).startsWith(before), "what was seen of the answer is still there");
    ok(PIECES.join("").startsWith(textOf(answer)), "the answer is what the script said so far");
    equal(messages.filter((id) => !watch.fold.messages.has(id) && !watch.fold.hasMore), [], "the messages that are gone");
    equal(watch.fold.transcript().slice(-40), fresh.fold.transcript().slice(-40), "the transcript");

    const next = await tab.send(sessionId, t.id("m"), script("x", [say("Still here.")]));
    equal((await watch.done(next.runId)).outcome, "completed", "the next message's outcome");
    matches(textOf(watch.fold.answerTo(next.runId)), /^Still here\.$/, "its answer");
    const statuses = new Set([...watch.fold.messages.values()].map((message) => message.status));
    ok(!statuses.has("streaming") && !statuses.has("queued"), `the statuses are ${[...statuses]}`);
    fresh.dispose();
    watch.dispose();
    watch = tab.follow(sessionId, watch.fold.position, cloneOf(watch.fold));
  }
  return { kills };
}

function cloneOf({ session, messages, runs, hasMore }) {
  return structuredClone({ session, messages, runs, hasMore });
}
