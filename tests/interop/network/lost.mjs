// Connections that are lost, or that do not read. The hub of these scenarios has a small outbox and small send buffers.

import { equal, ok } from "../lib/check.mjs";
import { Fold, textOf } from "../lib/fold.mjs";
import { Proxy } from "../lib/proxy.mjs";
import { count, gate, pace, say, script } from "../lib/script.mjs";

export async function a_chat_whose_connection_is_lost_goes_on(t) {
  const { tab, sessionId } = await t.session();
  const [release, mark] = [t.id("gate"), t.id("mark")];
  const proxy = await Proxy.open(t.url);
  const message = { messageId: t.id("m"), content: script(mark, [say("one ", gate(release), "two")]) };
  const lost = await t.connect({ url: proxy.url });
  const chat = lost.chat(sessionId, message);
  await chat.said("one ");
  proxy.cut();
  ok((await lost.closed) !== null, "the connection was lost");
  ok(chat.error !== null, "the stream has failed");
  const { runId } = chat.of("run_started")[0];
  const watch = await tab.watch(sessionId);
  ok(!watch.fold.isDone(runId), "the run goes on");
  const again = tab.chat(sessionId, message);
  await again.said("one ");
  await t.ask("open", release);
  equal((await watch.done(runId)).outcome, "completed", "the outcome");
  await again.over();
  equal(textOf(again.fold.answerTo(runId)), "one two", "the answer");
  equal((await t.ask("requests", mark)).length, 1, "how often the provider was asked");
  await proxy.close();
}

export async function a_watcher_that_does_not_read_goes_on_from_a_snapshot(t) {
  const { tab, sessionId, watch } = await t.session();
  const proxy = await Proxy.open(t.url);
  const slow = await t.connect({ url: proxy.url });
  const behind = await slow.watch(sessionId);
  proxy.pause();
  // Far more entries than the hub keeps at hand, and far more bytes than the buffers on the way.
  const filler = "z".repeat(400);
  const pieces = Array.from({ length: 6000 }, (_, index) => `${index} ${filler} `);
  const [middle, finish] = [t.id("gate"), t.id("gate")];
  const content = script("x", [count(pieces.length, ` ${filler} `), say(gate(middle), "the last ", gate(finish), "words")]);
  const { runId } = await tab.send(sessionId, t.id("m"), content);
  await t.ask("reached", middle);
  await watch.said(pieces.at(-1));
  proxy.resume();
  await behind.said(pieces.at(-1));
  const place = behind.events.findIndex((event, index) => index > 0 && event.type === "snapshot");
  ok(place > 0, "a snapshot came in mid-stream");
  equal(behind.events[place].run.runId, runId, "the run in it");
  ok(behind.events[place].offset - behind.events[place - 1].offset > 1000, "it stands for what was not read");
  await t.ask("open", middle);
  await behind.said("the last ");
  await t.ask("open", finish);
  await Promise.all([watch.done(runId), behind.done(runId)]);
  equal(behind.fold.transcript(), watch.fold.transcript(), "the transcript");
  const texts = behind.fold.answerTo(runId).parts.map((part) => part.text);
  equal(texts, [pieces.join(""), "the last words"], "the answer");
  equal(slow.connection.state, "Connected", "the connection's state");
  await proxy.close();
}

export async function a_session_larger_than_the_outbox_is_opened_and_watched(t) {
  const { tab, sessionId, watch } = await t.session();
  const filler = "x".repeat(300_000);
  for (let count = 0; count < 4; count += 1) {
    const content = [{ type: "text", text: filler }, { type: "text", text: script("x", [say(filler)]) }];
    await watch.done((await tab.invoke("SendMessage", sessionId, { messageId: t.id("m"), content })).runId);
  }
  const other = await t.connect();
  equal((await other.invoke("OpenSession", { sessionId })).offset, watch.fold.offset, "the position");
  const watches = await Promise.all([other.watch(sessionId), other.watch(sessionId), other.watch(sessionId)]);
  const newest = [...watch.fold.messages.values()].at(-1);
  for (const late of watches) {
    equal([...late.fold.messages.values()].at(-1).messageId, newest.messageId, "the newest message");
    late.dispose();
  }
  const { messages } = await other.invoke("History", sessionId, { limit: 1 });
  equal(textOf(messages[0]), filler, "the newest answer, whole");
}

// The resume test: a client whose connection is lost at random moments of runs, and that comes back with its
// position, has at the end what one has that never left, and what the script said.
export async function cut_at_random_moments(t, { cuts, deltas }) {
  const proxy = await Proxy.open(t.url);
  let made = 0;
  let runs = 0;
  while (made < cuts) {
    const { tab, sessionId, watch: stayed } = await t.session();
    const pieces = Array.from({ length: deltas }, (_, index) => `${index}-${t.random(1e6)} `);
    const { runId } = await tab.send(sessionId, t.id("m"), script("x", [pace(1), say(...pieces)]));
    let known = new Fold(); // all that the client that leaves has seen
    while (!known.isDone(runId)) {
      proxy.cutAfter(made < cuts ? t.random(12_000) : Infinity);
      const seen = await visit(t, proxy, sessionId, runId, known);
      if (seen === null) continue;
      known = seen;
      if (!known.isDone(runId)) made += 1;
    }
    await stayed.done(runId);
    equal(known.transcript(), stayed.fold.transcript(), "the transcript of the one that left");
    equal(textOf(known.answerTo(runId)), pieces.join(""), "the answer");
    equal(known.offset, stayed.fold.answerTo(runId) && stayed.of("done", runId)[0].offset, "the position at the end");
    await tab.connection.stop();
    runs += 1;
  }
  await proxy.close();
  return { cuts: made, runs };
}

// Come back with what is known, and stay until the connection is lost or the run is done. Null if it was lost before
// it was there.
async function visit(t, proxy, sessionId, runId, known) {
  const tab = t.build({ url: proxy.url });
  try {
    await tab.connection.start();
  } catch {
    return null;
  }
  const position = known.offset === null ? null : known.position;
  const watch = tab.follow(sessionId, position, known);
  const isLost = tab.closed.then(() => {});
  await Promise.race([watch.until(() => watch.fold.isDone(runId), "done").catch(() => {}), isLost]);
  await tab.connection.stop();
  ok(watch.error === null || !isOwn(watch.error), `${watch.error?.stack}`);
  return watch.fold;
}

const isOwn = (error) => error.constructor.name === "Failure";
