// Watch from everywhere, and Chat to its end.

import { equal, fails, ok } from "../lib/check.mjs";
import { textOf, transcriptOf } from "../lib/fold.mjs";
import { gate, say, script, tool } from "../lib/script.mjs";

export async function from_null_begins_with_a_snapshot(t) {
  const { tab, sessionId, watch } = await t.session({ title: "Titled" });
  const first = watch.events[0];
  equal([first.type, first.offset, first.messages, first.hasMore, first.run ?? null], ["snapshot", 0, [], false, null]);
  equal(first.session.title, "Titled", "the session in the snapshot");
  await watch.done((await tab.send(sessionId, t.id("m"), script("x", [say("one ", "two")]))).runId);
  const late = await tab.watch(sessionId);
  equal(late.events.length, 1, "the events");
  equal(late.fold.transcript(), watch.fold.transcript(), "the transcript");
  equal(late.fold.position, watch.fold.position, "the position");
}

export async function a_snapshot_shows_the_run_under_way(t) {
  const { tab, sessionId, watch } = await t.session();
  const release = t.id("gate");
  const rounds = [[say("I wait."), tool("wait_at", { gate: release })], [say("Done ", "waiting.")]];
  const { runId } = await tab.send(sessionId, t.id("m"), script("x", ...rounds));
  await watch.until(() => watch.of("tool_progress").length > 0, "the tool's progress");
  const late = await (await t.connect()).watch(sessionId);
  const { run } = late.events[0];
  equal([run.runId, run.message.status, run.openCalls.length], [runId, "streaming", 1], "the run in the snapshot");
  equal(late.fold.transcript(), watch.fold.transcript(), "the transcript so far");
  await t.ask("open", release);
  await Promise.all([late.done(runId), watch.done(runId)]);
  equal(late.fold.transcript(), watch.fold.transcript(), "the transcript");
}

export async function from_a_position_follows_directly(t) {
  const { tab, sessionId, watch } = await t.session();
  const release = t.id("gate");
  const { runId, epoch, offset } = await tab.send(sessionId, t.id("m"), script("x", [say("one ", gate(release), "two")]));
  await watch.said("one ");
  const other = await t.connect();
  const late = other.follow(sessionId, { epoch, offset });
  await late.said("one ");
  equal(late.fold.snapshots, 0, "snapshots");
  const atTop = other.follow(sessionId, watch.fold.position, cloneOf(watch.fold));
  await t.ask("open", release);
  await Promise.all([watch.done(runId), late.done(runId), atTop.done(runId)]);
  equal(late.events, watch.events.slice(1), "the events");
  equal(late.fold.transcript(), watch.fold.transcript(), "the transcript");
  equal(atTop.fold.transcript(), watch.fold.transcript(), "the transcript from the top");
  equal(atTop.fold.snapshots, 0, "snapshots");
}

export const cloneOf = ({ session, messages, runs, hasMore }) => structuredClone({ session, messages, runs, hasMore });

export async function from_a_foreign_position_begins_with_a_snapshot(t) {
  const { tab, sessionId, watch } = await t.session();
  await watch.done((await tab.send(sessionId, t.id("m"), script("x", [say("one")]))).runId);
  const { epoch, offset } = watch.fold.position;
  for (const position of [
    { epoch: "of-another-life", offset: 1 },
    { epoch: "", offset: 0 },
    { epoch, offset: offset + 1000 },
  ]) {
    const late = tab.follow(sessionId, position);
    await late.until(() => late.events.length > 0, "the first event");
    equal(late.events[0].type, "snapshot", "the first event");
    equal(late.fold.transcript(), watch.fold.transcript(), "the transcript");
    late.dispose();
  }
  for (const position of [{ epoch }, { offset }, { epoch, offset: -1 }, { epoch, offset: 1.5 }]) {
    await fails(tab.stream("Watch", [sessionId, position]).over(), /^\[invalid_arguments\] /);
  }
}

export async function many_streams_run_at_once_on_one_connection(t) {
  const tab = await t.connect();
  const sessions = [];
  for (let count = 0; count < 10; count += 1) sessions.push((await tab.invoke("OpenSession")).sessionId);
  const watches = await Promise.all(sessions.map((sessionId) => tab.watch(sessionId)));
  const words = Array.from({ length: 30 }, (_, index) => `word${index} `);
  const chats = sessions.map((sessionId) =>
    tab.chat(sessionId, { messageId: t.id("m"), content: script("x", [say(...words)]) }),
  );
  await Promise.all(chats.map((chat) => chat.over()));
  for (const [index, chat] of chats.entries()) {
    const { runId } = chat.of("done")[0];
    await watches[index].done(runId);
    equal(textOf(watches[index].fold.answerTo(runId)), words.join(""), "the answer");
  }
}

export async function a_chat_ends_with_its_done(t) {
  const { tab, sessionId, watch } = await t.session();
  const chat = tab.chat(sessionId, { messageId: t.id("m"), content: script("x", [say("one ", "two")]) });
  await chat.over();
  equal(chat.events.at(-1).type, "done", "the last event");
  const { runId } = chat.of("done")[0];
  ok(chat.events.every((event) => event.runId === runId), "only this run's events");
  await watch.done(runId);
  equal(chat.events, watch.events.filter((event) => event.runId === runId), "the run's events");
  equal(textOf(chat.fold.answerTo(runId)), "one two", "the answer");
}

export async function a_chat_is_attached_to_again(t) {
  const { tab, sessionId, watch } = await t.session();
  const [release, mark] = [t.id("gate"), t.id("mark")];
  const message = { messageId: t.id("m"), content: script(mark, [say("one ", gate(release), "two")]) };
  const first = tab.chat(sessionId, message);
  await first.said("one ");
  const again = (await t.connect()).chat(sessionId, message, null);
  await again.said("one ");
  await t.ask("open", release);
  await Promise.all([first.over(), again.over()]);
  const { runId } = first.of("done")[0];
  equal(textOf(again.fold.answerTo(runId)), "one two", "the answer");
  await watch.done(runId);
  equal((await t.ask("requests", mark)).length, 1, "how often the provider was asked");
  const late = tab.chat(sessionId, message);
  await late.over();
  equal(textOf(late.fold.answerTo(runId)), "one two", "the answer, after its end");
  await fails(tab.chat(sessionId, { ...message, content: "other" }).over(), /^\[conflict\] /);
}

export async function a_long_session_is_opened_watched_and_paged(t) {
  const { tab, sessionId, watch } = await t.session();
  const filler = "x".repeat(400_000);
  const texts = [];
  for (let count = 0; count < 8; count += 1) {
    const content = [{ type: "text", text: `${count} ${filler}` }, { type: "text", text: script("x", [say(`a${count}`)]) }];
    const { runId } = await tab.invoke("SendMessage", sessionId, { messageId: t.id("m"), content });
    await watch.done(runId);
    texts.push(`${count} ${filler}`, `a${count}`);
  }
  const other = await t.connect();
  equal((await other.invoke("OpenSession", { sessionId })).offset, watch.fold.offset, "the position");
  const late = await other.watch(sessionId);
  ok(late.fold.hasMore && late.fold.messages.size < 16, "the snapshot has the newest only");
  ok(JSON.stringify(late.events[0]).length < 700_000, "the snapshot is bounded");
  const pages = [];
  let before;
  for (;;) {
    const page = await other.invoke("History", sessionId, { before, limit: 200 });
    ok(JSON.stringify(page).length < 1024 * 1024, "a page is bounded");
    pages.unshift(...page.messages);
    before = page.messages[0].messageId;
    if (!page.hasMore) break;
  }
  equal(transcriptOf(pages), watch.fold.transcript(), "all pages together");
  equal(pages.map((message) => message.parts[0].text), texts, "the texts");
}
