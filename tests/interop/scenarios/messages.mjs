// SendMessage with all its rules, Regenerate, continues, History, Rate, ReportError.

import { equal, fails, matches, ok } from "../lib/check.mjs";
import { textOf, transcriptOf } from "../lib/fold.mjs";
import { gate, say, script, think, tool } from "../lib/script.mjs";

const types = (watch) => watch.events.map((event) => event.type);

export async function a_message_is_answered(t) {
  const { tab, sessionId, watch } = await t.session({ system: "Be brief." });
  const [mark, messageId] = [t.id("mark"), t.id("m")];
  const answer = await tab.send(sessionId, messageId, script(mark, [say("Hello, ", "world.")]));
  equal([answer.messageId, answer.state], [messageId, "started"], "the message's id and the state");
  const done = await watch.done(answer.runId);
  equal([done.outcome, done.finishReason, done.error ?? null], ["completed", "stop", null], "how it ended");
  ok(done.timing.totalMs >= done.timing.firstDeltaMs && done.timing.queuedMs >= 0, JSON.stringify(done.timing));
  // A notice says that a provider takes its time, as the first one does on a busy machine that still loads its SDK.
  const order = types(watch).filter((type) => !["session", "text", "notice"].includes(type));
  equal(order, ["snapshot", "message", "run_started", "step", "done"], "the events but for the text");
  const [asked, said] = [...watch.fold.messages.values()];
  equal([asked.messageId, asked.role, asked.status], [messageId, "user", "complete"], "the user's message");
  equal([said.role, said.status, textOf(said)], ["assistant", "complete", "Hello, world."], "the answer");
  equal([answer.epoch, answer.offset], [watch.fold.epoch, 0], "the position before the run");
  matches((await t.ask("requests", mark))[0].system[0].text, /Be brief/, "the system text");
}

export async function content_may_be_parts_and_carry_context(t) {
  const { tab, sessionId, watch } = await t.session();
  const mark = t.id("mark");
  const content = [{ type: "text", text: "Look at this." }, { type: "text", text: script(mark, [say("yes")]) }];
  const context = { sheet: "Sheet1", selection: [1, 2.5, null, true, { deep: "ü" }] };
  const message = { messageId: t.id("m"), content, context };
  const { runId } = await tab.invoke("SendMessage", sessionId, message);
  await watch.done(runId);
  const asked = watch.fold.message(message.messageId);
  equal(asked.parts.map(({ type, text }) => ({ type, text })), content, "the parts");
  equal(asked.context, context, "the context");
  const [request] = await t.ask("requests", mark);
  matches(request.messages[0].content[0].text, /<context>/, "what the model was told first");
  const image = { messageId: t.id("m"), content: [{ type: "hologram", text: "x" }] };
  await fails(tab.invoke("SendMessage", sessionId, image), /^\[invalid_arguments\] content/);
}

export async function thinking_and_tools_are_shown(t) {
  const { tab, sessionId, watch } = await t.session();
  const [release, mark] = [t.id("gate"), t.id("mark")];
  const rounds = [[think("Let me ", "see."), say("I wait."), tool("wait_at", { gate: release })], [say("It is open.")]];
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, ...rounds));
  await watch.until(() => watch.of("tool_progress").length > 0, "the tool's progress");
  const { fraction, note } = watch.of("tool_progress")[0];
  equal([fraction, note], [0.5, "waiting"], "the progress");
  await t.ask("open", release);
  await watch.done(runId);
  const start = watch.of("tool_start")[0];
  equal([start.name, start.access, start.host, start.part], ["wait_at", "read", "server", 2], "the call");
  equal(watch.of("tool_complete").map((event) => event.outcome), ["success"], "its outcome");
  ok(watch.of("tool_complete")[0].durationMs >= 0, "its duration");
  equal(watch.of("step").map((event) => event.index), [0, 1], "the steps");
  const { parts } = watch.fold.answerTo(runId);
  equal(parts.map((part) => part.text ?? part.result), ["Let me see.", "I wait.", `${release} is open`, "It is open."]);
  const { messages } = await tab.invoke("History", sessionId);
  equal(transcriptOf(messages), watch.fold.transcript(), "the history");
}

export async function every_watcher_sees_the_same_events_in_the_same_order(t) {
  const { tab, sessionId, watch } = await t.session();
  const others = await Promise.all([1, 2, 3].map(async () => (await t.connect()).watch(sessionId)));
  const sameTab = await tab.watch(sessionId);
  const runs = [];
  for (const name of ["one", "two", "three"]) {
    const words = Array.from({ length: 40 }, (_, index) => `${name}${index} `);
    runs.push((await tab.send(sessionId, t.id("m"), script("x", [say(...words)]))).runId);
  }
  for (const each of [watch, sameTab, ...others]) {
    await each.done(runs.at(-1));
    equal(each.events.slice(1), watch.events.slice(1), "the events after the snapshot");
    equal(each.fold.transcript(), watch.fold.transcript(), "the transcript");
  }
}

export async function the_same_message_again_gives_the_same_run(t) {
  const { tab, sessionId, watch } = await t.session();
  const [messageId, release, mark] = [t.id("m"), t.id("gate"), t.id("mark")];
  const content = script(mark, [say("one ", gate(release), "two")]);
  const first = await tab.send(sessionId, messageId, content);
  const other = await t.connect();
  const again = await Promise.all([tab.send(sessionId, messageId, content), other.send(sessionId, messageId, content)]);
  equal(again.map((answer) => answer.runId), [first.runId, first.runId], "the runs");
  await fails(tab.send(sessionId, messageId, "Something else."), /^\[conflict\] /);
  await t.ask("open", release);
  await watch.done(first.runId);
  equal((await tab.send(sessionId, messageId, content)).runId, first.runId, "the run, after its end");
  equal((await t.ask("requests", mark)).length, 1, "how often the provider was asked");
}

export async function a_busy_session_queues_rejects_or_replaces(t) {
  const { tab, sessionId, watch } = await t.session();
  const [release, mark] = [t.id("gate"), t.id("mark")];
  const first = await tab.send(sessionId, t.id("m"), script(mark, [say("first ", gate(release))]));
  await watch.said("first");
  const waitingId = t.id("m");
  const second = await tab.send(sessionId, waitingId, script("x", [say("second")]));
  equal(second.state, "queued", "the state");
  await watch.until(() => watch.of("message_queued").length > 0, "message_queued");
  const queued = watch.of("message_queued")[0];
  equal([queued.messageId, queued.runId, queued.place], [waitingId, second.runId, 1], "what waits");
  equal(watch.fold.message(waitingId).status, "queued", "its status");
  await fails(tab.send(sessionId, t.id("m"), "no", { whenBusy: "reject" }), /^\[busy\] /);
  const third = await tab.send(sessionId, t.id("m"), script("x", [say("third")]), { whenBusy: "replace" });
  const outcomes = [];
  for (const { runId } of [first, second, third]) outcomes.push((await watch.done(runId)).outcome);
  equal(outcomes[0], "stopped", "the outcome of the replaced run");
  equal(outcomes[2], "completed", "the outcome of what replaced it");
  await t.ask("closed", mark);
  const idle = await tab.send(sessionId, t.id("m"), script("x", [say("fourth")]), { whenBusy: "reject" });
  equal((await watch.done(idle.runId)).outcome, "completed", "a rejecting message's outcome, once nothing runs");
}

export async function a_full_queue_refuses_and_says_its_limit(t) {
  const { tab, sessionId, watch } = await t.session();
  const { limits } = await tab.invoke("OpenSession", { sessionId });
  await tab.send(sessionId, t.id("m"), script("x", [say("one ", gate(t.id("gate")))]));
  for (let count = 0; count < limits.queuedRuns; count += 1) await tab.send(sessionId, t.id("m"), "waits");
  const text = await fails(tab.send(sessionId, t.id("m"), "too many"), /^\[busy\] /);
  matches(text, new RegExp(`${limits.queuedRuns}.*max_queued_runs`), "the error");
  const { runIds } = await tab.invoke("Stop", sessionId, { queued: true });
  equal(runIds.length, limits.queuedRuns + 1, "how many are stopped");
  for (const runId of runIds) equal((await watch.done(runId)).outcome, "stopped", "the outcome");
}

export async function a_message_is_edited(t) {
  const { tab, sessionId, watch } = await t.session();
  const [firstId, secondId, editId, mark] = [t.id("m"), t.id("m"), t.id("m"), t.id("mark")];
  const first = await tab.send(sessionId, firstId, script("x", [say("first answer")]));
  await watch.done(first.runId);
  await watch.done((await tab.send(sessionId, secondId, script("x", [say("second answer")]))).runId);
  const edit = { messageId: editId, content: script(mark, [say("edited answer")]), replaces: firstId };
  const { runId } = await tab.invoke("SendMessage", sessionId, edit);
  await watch.done(runId);
  equal((await tab.invoke("SendMessage", sessionId, edit)).runId, runId, "the run, asked for again");
  const statuses = [...watch.fold.messages.values()].map((message) => message.status);
  equal(statuses, ["superseded", "superseded", "superseded", "superseded", "complete", "complete"], "the statuses");
  equal((await t.ask("requests", mark))[0].messages.length, 1, "the messages that the model saw");
  const again = { ...edit, messageId: t.id("m") };
  await fails(tab.invoke("SendMessage", sessionId, again), /^\[conflict\] /);
  await fails(tab.invoke("SendMessage", sessionId, { ...again, replaces: "nothing" }), /^\[message_not_found\] /);
}

export async function an_answer_is_made_anew(t) {
  const { tab, sessionId, watch } = await t.session();
  const [messageId, regenerateId, mark] = [t.id("m"), t.id("r"), t.id("mark")];
  const first = await tab.send(sessionId, messageId, script(mark, [say("an answer")]));
  await watch.done(first.runId);
  const anew = await tab.invoke("Regenerate", sessionId, { regenerateId });
  equal(anew.messageId, messageId, "the message that is answered");
  await watch.done(anew.runId);
  equal((await tab.invoke("Regenerate", sessionId, { regenerateId })).runId, anew.runId, "the run, asked for again");
  equal(watch.fold.answerTo(first.runId).status, "superseded", "the old answer");
  equal(watch.of("run_started", anew.runId)[0].replyTo, messageId, "what it replies to");
  const requests = await t.ask("requests", mark);
  equal(requests.map((request) => request.messages.length), [1, 1], "the messages that the model saw");
  const named = await tab.invoke("Regenerate", sessionId, { regenerateId: t.id("r"), messageId });
  await watch.done(named.runId);
  equal((await tab.invoke("History", sessionId)).messages.map((message) => message.status).sort(), [
    "complete",
    "complete",
    "superseded",
    "superseded",
  ]);
}

export async function a_stopped_answer_is_gone_on_with(t) {
  const { tab, sessionId, watch } = await t.session();
  const first = await tab.send(sessionId, t.id("m"), script("x", [say("The first half", gate(t.id("gate")))]));
  await watch.said("half");
  await tab.invoke("Stop", sessionId, { runId: first.runId });
  await watch.done(first.runId);
  const message = { messageId: t.id("m"), content: script("x", [say(" and the second.")]) };
  const second = await tab.invoke("SendMessage", sessionId, message, { continues: first.runId });
  equal((await watch.done(second.runId)).outcome, "completed", "the outcome");
  const silent = await tab.invoke("SendMessage", sessionId, { messageId: t.id("m") }, { continues: first.runId });
  equal((await watch.done(silent.runId)).outcome, "completed", "the outcome without a message");
  const other = { messageId: t.id("m"), content: "x" };
  await fails(tab.invoke("SendMessage", sessionId, other, { continues: second.runId }), /^\[conflict\] /);
  await fails(tab.invoke("SendMessage", sessionId, other, { continues: "run_none" }), /^\[run_not_found\] /);
}

export async function the_history_is_paged(t) {
  const { tab, sessionId, watch } = await t.session();
  for (let count = 0; count < 6; count += 1) {
    await watch.done((await tab.send(sessionId, t.id("m"), script("x", [say(`answer ${count}`)]))).runId);
  }
  const pages = [];
  let before;
  for (;;) {
    const page = await tab.invoke("History", sessionId, { before, limit: 5 });
    pages.unshift(page.messages);
    before = page.messages[0].messageId;
    if (!page.hasMore) break;
  }
  equal(pages.map((page) => page.length), [2, 5, 5], "the pages");
  equal(transcriptOf(pages.flat()), watch.fold.transcript(), "all pages together");
  await fails(tab.invoke("History", sessionId, { before: "nothing" }), /^\[message_not_found\] /);
  await fails(tab.invoke("History", sessionId, { limit: 0 }), /^\[invalid_arguments\] limit: /);
}

export async function an_answer_is_rated(t) {
  const { tab, sessionId, watch } = await t.session();
  const { runId } = await tab.send(sessionId, t.id("m"), script("x", [say("an answer")]));
  await watch.done(runId);
  const { messageId } = watch.fold.answerTo(runId);
  ok((await tab.invoke("Rate", sessionId, messageId, { score: 1, comment: "good" })) == null, "it returns nothing");
  await watch.until(() => watch.fold.message(messageId).rating?.score === 1, "the rating");
  equal(watch.fold.message(messageId).rating, { score: 1, comment: "good" }, "the rating");
  await tab.invoke("Rate", sessionId, messageId, { score: 0 });
  await watch.until(() => !watch.fold.message(messageId).rating, "that it was taken back");
  await fails(tab.invoke("Rate", sessionId, messageId, { score: 2 }), /^\[invalid_arguments\] score: /);
  await fails(tab.invoke("Rate", sessionId, "nothing", { score: 1 }), /^\[message_not_found\] /);
}

export async function a_clients_error_is_shown_and_told_to_the_model(t) {
  const { tab, sessionId, watch } = await t.session();
  await tab.invoke("ReportError", sessionId, { source: "chart", text: "Column C is empty.", messageId: null });
  await watch.until(() => watch.of("notice").length > 0, "the notice");
  const { code, text } = watch.of("notice")[0];
  equal([code, text], ["client_error", "chart: Column C is empty."], "the notice");
  const mark = t.id("mark");
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, [say("ok")]));
  await watch.done(runId);
  const [{ messages }] = await t.ask("requests", mark);
  matches(JSON.stringify(messages), /Column C is empty/, "what the model was told");
}
