// Stop, in every case: one `done` with outcome "stopped", what was said is kept, the provider's connection is closed or
// was never opened, and the strict provider server accepts the next message.

import { equal, fails, ok } from "../lib/check.mjs";
import { textOf } from "../lib/fold.mjs";
import { before, gate, say, script, stall, think, tool } from "../lib/script.mjs";

// A session in which a run is under way that has said "one two " and will say no more.
async function running(t) {
  const { tab, sessionId, watch } = await t.session();
  const [mark, messageId] = [t.id("mark"), t.id("m")];
  const { runId } = await tab.send(sessionId, messageId, script(mark, [say("one ", "two ", gate(t.id("gate")), "three")]));
  await watch.said("one two ");
  return { tab, sessionId, watch, mark, messageId, runId };
}

async function endsStopped(t, { watch, tab, sessionId, runId, mark, text = "one two " }) {
  const done = await watch.done(runId);
  equal([done.outcome, done.stoppedBy], ["stopped", "anonymous"], "the outcome and who stopped it");
  equal(textOf(watch.fold.answerTo(runId)), text, "what was said");
  equal(watch.fold.answerTo(runId).status, "stopped", "the answer's status");
  if (mark !== undefined) await t.ask("closed", mark);
  const next = await tab.send(sessionId, t.id("m"), script(t.id("mark"), [say("And on.")]));
  equal((await watch.done(next.runId)).outcome, "completed", "the next message's outcome");
  equal([watch.of("run_started", runId).length, watch.of("done", runId).length], [1, 1], "run_started and done");
}

export async function from_the_same_tab(t) {
  const run = await running(t);
  equal(await run.tab.invoke("Stop", run.sessionId), { runIds: [run.runId], outcome: "stopping" }, "the answer");
  await endsStopped(t, run);
}

export async function from_another_tab(t) {
  const run = await running(t);
  const other = await t.connect();
  const answer = await other.invoke("Stop", run.sessionId, { runId: run.runId });
  equal(answer, { runIds: [run.runId], outcome: "stopping" }, "the answer");
  await endsStopped(t, run);
}

export async function by_the_message(t) {
  const run = await running(t);
  const answer = await run.tab.invoke("Stop", run.sessionId, { messageId: run.messageId });
  equal(answer, { runIds: [run.runId], outcome: "stopping" }, "the answer");
  await endsStopped(t, run);
}

export async function before_the_first_delta(t) {
  const { tab, sessionId, watch } = await t.session();
  const [mark, never] = [t.id("mark"), t.id("gate")];
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, [before(never), say("one")]));
  await t.ask("reached", never);
  await tab.invoke("Stop", sessionId);
  await endsStopped(t, { tab, sessionId, watch, runId, mark, text: "" });
}

export async function between_headers_and_text(t) {
  const { tab, sessionId, watch } = await t.session();
  const [mark, never] = [t.id("mark"), t.id("gate")];
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, [gate(never)]));
  await t.ask("reached", never);
  await tab.invoke("Stop", sessionId);
  await endsStopped(t, { tab, sessionId, watch, runId, mark, text: "" });
}

export async function while_it_thinks(t) {
  const { tab, sessionId, watch } = await t.session();
  const mark = t.id("mark");
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, [think("Well, ", gate(t.id("gate")))]));
  await watch.said("Well, ");
  await tab.invoke("Stop", sessionId);
  await endsStopped(t, { tab, sessionId, watch, runId, mark, text: "" });
}

export async function while_a_calls_arguments_are_written(t) {
  const { tab, sessionId, watch } = await t.session();
  const [mark, never] = [t.id("mark"), t.id("gate")];
  const rounds = [[say("one "), tool("wait_at", { gate: t.id("gate") }), gate(never)]];
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, ...rounds));
  await t.ask("reached", never);
  await watch.until(() => watch.of("tool_input").length > 0, "the call's arguments");
  await tab.invoke("Stop", sessionId);
  await endsStopped(t, { tab, sessionId, watch, runId, mark, text: "one " });
  equal(watch.of("tool_complete").map((event) => event.outcome), ["interrupted"], "the call's outcome");
}

export async function during_a_tool(t) {
  const { tab, sessionId, watch } = await t.session();
  const [mark, never] = [t.id("mark"), t.id("gate")];
  const rounds = [[say("one "), tool("wait_at", { gate: never })], [say("not said")]];
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, ...rounds));
  await watch.until(() => watch.of("tool_progress").length > 0, "the tool to run");
  await t.ask("reached", never);
  await tab.invoke("Stop", sessionId);
  await endsStopped(t, { tab, sessionId, watch, runId, text: "one " });
  equal(watch.of("tool_complete").map((event) => event.outcome), ["interrupted"], "the call's outcome");
  ok(await t.ask("tool_stopped", never), "the tool was cancelled");
  equal((await t.ask("requests", mark)).length, 1, "how often the provider was asked");
}

export async function twice(t) {
  const run = await running(t);
  const { tab, sessionId, runId } = run;
  const answers = await Promise.all([1, 2, 3].map(() => tab.invoke("Stop", sessionId, { runId })));
  for (const { runIds, outcome } of answers) {
    ok(["stopping", "already_done"].includes(outcome), `the outcome is ${outcome}`);
    equal(runIds, [runId], "the runs");
  }
  await endsStopped(t, run);
}

export async function after_the_end(t) {
  const { tab, sessionId, watch } = await t.session();
  const messageId = t.id("m");
  const { runId } = await tab.send(sessionId, messageId, script("x", [say("all of it")]));
  await watch.done(runId);
  // The run is settled a moment after its `done` has gone out; either answer is true then.
  for (const target of [{ runId }, { messageId }]) {
    const { outcome } = await tab.invoke("Stop", sessionId, target);
    ok(["already_done", "stopping"].includes(outcome), `the outcome is ${outcome}`);
  }
  const next = await tab.send(sessionId, t.id("m"), script("x", [say("more")]));
  equal((await watch.done(next.runId)).outcome, "completed", "the next message's outcome");
  equal((await tab.invoke("Stop", sessionId, { runId })).outcome, "already_done", "the outcome");
  equal(watch.of("done", runId).map((done) => done.outcome), ["completed"], "the done of the first run");
  await fails(tab.invoke("Stop", sessionId, { runId: "run_none" }), /^\[run_not_found\] /);
}

export async function by_a_message_that_has_not_arrived(t) {
  const { tab, sessionId, watch } = await t.session();
  const [mark, messageId] = [t.id("mark"), t.id("m")];
  equal(await tab.invoke("Stop", sessionId, { messageId }), { runIds: [], outcome: "remembered" }, "the answer");
  const { runId } = await tab.send(sessionId, messageId, script(mark, [say("not said")]));
  await endsStopped(t, { tab, sessionId, watch, runId, text: "" });
  equal(await t.ask("requests", mark), [], "what the provider was asked");
}

export async function while_queued(t) {
  const run = await running(t);
  const { tab, sessionId, watch } = run;
  const mark = t.id("mark");
  const queued = await tab.send(sessionId, t.id("m"), script(mark, [say("not said")]));
  equal(queued.state, "queued", "the state");
  await watch.until(() => watch.of("message_queued").length > 0, "message_queued");
  equal((await tab.invoke("Stop", sessionId, { runId: queued.runId })).outcome, "stopping", "the outcome");
  equal((await watch.done(queued.runId)).outcome, "stopped", "the queued run's outcome");
  equal(watch.of("run_started", queued.runId).length, 1, "its run_started");
  ok(!watch.fold.isDone(run.runId), "the active run goes on");
  equal(await t.ask("requests", mark), [], "what the provider was asked for it");
  await tab.invoke("Stop", sessionId);
  await endsStopped(t, run);
}

export async function all_that_wait(t) {
  const run = await running(t);
  const { tab, sessionId, watch } = run;
  const marks = [t.id("mark"), t.id("mark")];
  const queued = [];
  for (const mark of marks) queued.push(await tab.send(sessionId, t.id("m"), script(mark, [say("not said")])));
  const { runIds } = await tab.invoke("Stop", sessionId, { queued: true });
  equal([...runIds].sort(), [run, ...queued].map(({ runId }) => runId).sort(), "the runs");
  for (const { runId } of queued) equal((await watch.done(runId)).outcome, "stopped", "the outcome");
  for (const mark of marks) equal(await t.ask("requests", mark), [], "what the provider was asked");
  await endsStopped(t, run);
}

export async function by_cancelling_a_chat(t) {
  const { tab, sessionId, watch } = await t.session();
  const [mark, messageId] = [t.id("mark"), t.id("m")];
  const chat = (await t.connect()).chat(sessionId, { messageId, content: script(mark, [say("one ", "two ", stall)]) });
  await chat.said("one two ");
  await watch.said("one two ");
  const { runId } = chat.of("run_started")[0];
  chat.dispose();
  await endsStopped(t, { tab, sessionId, watch, runId, mark });
}

export async function by_cancelling_a_chat_at_once(t) {
  const { tab, sessionId, watch } = await t.session();
  const content = script(t.id("mark"), [say("one", stall)]);
  const chat = tab.chat(sessionId, { messageId: t.id("m"), content });
  chat.dispose();
  // Whether the message had arrived by then is up to the network: if it had, its run is stopped.
  await tab.invoke("GetSession", sessionId);
  const next = await tab.send(sessionId, t.id("m"), script("x", [say("And on.")]));
  equal((await watch.done(next.runId)).outcome, "completed", "the next message's outcome");
  for (const { outcome, runId } of watch.of("done")) {
    if (runId !== next.runId) equal(outcome, "stopped", "the cancelled run's outcome");
  }
  equal(watch.of("run_started").length, watch.of("done").length, "runs that started and that are done");
}

export async function not_behind_a_slow_call(t) {
  const run = await running(t);
  const slow = t.id("gate");
  const waiting = run.tab.connection.invoke("GetSession", `slow:${slow}`);
  let isBack = false;
  waiting.catch(() => {}).finally(() => (isBack = true));
  await run.tab.invoke("Stop", run.sessionId);
  await run.watch.done(run.runId);
  ok(!isBack, "the slow call is still waiting");
  await t.ask("open", slow);
  await fails(waiting, /^\[session_not_found\] /);
  await endsStopped(t, run);
}
