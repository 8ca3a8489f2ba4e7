// OpenSession, GetSession, ListSessions, WatchSessions, UpdateSession, DeleteSession.

import { equal, fails, ok } from "../lib/check.mjs";
import { say, script } from "../lib/script.mjs";

export async function a_session_is_created_and_joined(t) {
  const tab = await t.connect();
  const made = await tab.invoke("OpenSession", { title: "Plans", tags: ["a", "b"], system: "Be brief." });
  equal(
    [made.role, made.contract, made.session.title, made.session.tags, made.session.running, made.offset],
    ["owner", 1, "Plans", ["a", "b"], false, 0],
    "role, contract, title, tags, running, offset",
  );
  ok(made.limits.messageBytes === 1024 * 1024, "a message may have 1 MiB");
  ok(Array.isArray(made.features), "there are features");
  ok(Number.isInteger(made.session.createdAt), "times are integers");
  const other = await t.connect();
  const joined = await other.invoke("OpenSession", { sessionId: made.sessionId, title: "ignored" });
  equal(joined.session, made.session, "the joined session");
  equal([joined.epoch, joined.offset], [made.epoch, made.offset], "its position");
}

export async function a_session_is_created_under_the_clients_own_id(t) {
  const tab = await t.connect();
  const sessionId = t.id("session");
  const both = await Promise.all([tab.invoke("OpenSession", { sessionId }), tab.invoke("OpenSession", { sessionId })]);
  equal(both.map((answer) => answer.sessionId), [sessionId, sessionId], "the ids");
}

export async function optional_arguments_may_be_missing_null_or_undefined(t) {
  const tab = await t.connect();
  for (const args of [[], [null], [undefined], [{}], [{ sessionId: null, title: undefined, tags: null }]]) {
    const { session, role } = await tab.invoke("OpenSession", ...args);
    equal([session.title, session.tags, role], ["", [], "owner"], "title, tags, role");
  }
  for (const args of [[], [null], [undefined], [{ limit: undefined, before: null }]]) {
    const { sessions } = await tab.invoke("ListSessions", ...args);
    ok(sessions.length >= 5, "sessions are listed");
  }
  const { sessionId } = await tab.invoke("OpenSession");
  for (const args of [[], [null], [undefined], [{ before: undefined, limit: null }]]) {
    equal(await tab.invoke("History", sessionId, ...args), { messages: [], hasMore: false }, "the history");
  }
  for (const args of [[], [null], [undefined], [{ runId: undefined, messageId: null, queued: undefined }]]) {
    equal(await tab.invoke("Stop", sessionId, ...args), { runIds: [], outcome: "nothing_running" }, "the answer");
  }
  for (const position of [[], [null], [undefined]]) {
    const watch = tab.stream("Watch", [sessionId, ...position]);
    await watch.until(() => watch.fold.snapshots === 1, "the snapshot");
    watch.dispose();
  }
  const options = { provider: undefined, model: null, autonomy: undefined, whenBusy: null, maxSteps: undefined };
  const watch = await tab.watch(sessionId);
  for (const args of [[], [null], [undefined], [options]]) {
    const message = { messageId: t.id("m"), content: script("x", [say("yes")]), context: undefined, replaces: null };
    const { runId } = await tab.invoke("SendMessage", sessionId, message, ...args);
    equal((await watch.done(runId)).outcome, "completed", "the outcome");
  }
}

export async function names_match_without_case_and_underscores(t) {
  const tab = await t.connect();
  const { sessionId } = await tab.invoke("opensession", { SESSIONID: t.id("session"), Title: "Odd" });
  equal((await tab.invoke("GET_SESSION", sessionId)).title, "Odd", "the title");
  const watch = await tab.watch(sessionId);
  for (const [method, field] of [
    ["sendmessage", "Message_Id"],
    ["SENDMESSAGE", "MESSAGEID"],
    ["Send_Message", "message_id"],
  ]) {
    const content = script("x", [say("yes")]);
    const { runId } = await tab.invoke(method, sessionId, { [field]: t.id("m"), CONTENT: content }, { When_Busy: "queue" });
    equal((await watch.done(runId)).outcome, "completed", "the outcome");
  }
  const other = tab.stream("WATCH", [sessionId, { EPOCH: watch.fold.epoch, Off_Set: 0 }]);
  await other.until(() => other.events.length > 0, "an event");
  other.dispose();
}

export async function a_session_is_updated_and_watchers_learn_of_it(t) {
  const { tab, sessionId, watch } = await t.session({ title: "Before" });
  const changed = await tab.invoke("UpdateSession", sessionId, { title: "After", tags: ["x"], autonomy: "ask", system: "S" });
  equal([changed.title, changed.tags, changed.autonomy, changed.system], ["After", ["x"], "ask", "S"], "the settings");
  await watch.until(() => watch.of("session").length > 0, "the session event");
  equal(watch.of("session")[0].session, { title: "After", tags: ["x"], autonomy: "ask", system: "S" }, "what changed");
  equal((await tab.invoke("GetSession", sessionId)).title, "After", "the title");
  equal((await tab.invoke("UpdateSession", sessionId, { autonomy: "auto" })).autonomy, "agent-yolo", "the alias");
  await fails(tab.invoke("UpdateSession", sessionId, { autonomy: "wild" }), /^\[invalid_arguments\] autonomy: /);
  await fails(tab.invoke("UpdateSession", sessionId, { provider: "none" }), /^\[provider_not_allowed\] /);
}

export async function a_session_has_its_usage(t) {
  const { tab, sessionId, watch } = await t.session();
  const { runId } = await tab.send(sessionId, t.id("m"), script("x", [say("Some words that cost something.")]));
  const { usage } = await watch.done(runId);
  ok(usage.inputTokens > 0 && usage.outputTokens > 0 && usage.estimated === false, JSON.stringify(usage));
  const rows = tab.stream("WatchSessions", [], null);
  const isIdle = () => rows.events.filter((row) => row.sessionId === sessionId).at(-1)?.running === false;
  await rows.until(isIdle, "the session to be shown as not running");
  rows.dispose();
  equal((await tab.invoke("GetSession", sessionId)).usage, usage, "the session's usage");
}

export async function sessions_are_listed_page_by_page(t) {
  const tab = await t.connect();
  const made = [];
  for (let count = 0; count < 5; count += 1) made.push((await tab.invoke("OpenSession", {})).sessionId);
  const seen = [];
  let before;
  for (;;) {
    const page = await tab.invoke("ListSessions", { limit: 2, before });
    seen.push(...page.sessions.map((session) => session.sessionId));
    before = page.sessions.at(-1)?.updatedAt;
    if (!page.hasMore) break;
  }
  equal(made.filter((id) => !seen.includes(id)), [], "the sessions that are missing");
}

export async function the_session_list_is_live(t) {
  const watching = await t.connect();
  const list = watching.stream("WatchSessions", [], null);
  const tab = await t.connect();
  const { sessionId } = await tab.invoke("OpenSession", { title: "Live" });
  const rows = () => list.events.filter((row) => row.sessionId === sessionId);
  await list.until(() => rows().length > 0, "the new session");
  const { title, running, deleted } = rows()[0];
  equal([title, running, deleted ?? false], ["Live", false, false], "the row");
  await tab.invoke("UpdateSession", sessionId, { title: "Renamed" });
  await list.until(() => rows().at(-1).title === "Renamed", "the new title");
  const release = t.id("gate");
  await tab.send(sessionId, t.id("m"), script("x", [say("one ", { gate: release }, "two")]));
  await list.until(() => rows().at(-1).running, "that it runs");
  await t.ask("open", release);
  await list.until(() => !rows().at(-1).running, "that it runs no more");
  await tab.invoke("DeleteSession", sessionId);
  await list.until(() => rows().at(-1).deleted, "that it is gone");
  list.dispose();
}

export async function deleting_a_session_ends_its_watches_and_its_run(t) {
  const { tab, sessionId, watch } = await t.session();
  const other = await (await t.connect()).watch(sessionId);
  const [mark, never] = [t.id("mark"), t.id("gate")];
  const { runId } = await tab.send(sessionId, t.id("m"), script(mark, [say("one ", { gate: never })]));
  await watch.said("one");
  ok(!watch.fold.isDone(runId), "the run goes on");
  equal((await tab.invoke("DeleteSession", sessionId)).sessionId, sessionId, "what was deleted");
  await Promise.all([watch.over(), other.over()]);
  await t.ask("closed", mark);
  await fails(tab.invoke("GetSession", sessionId), /^\[session_not_found\] /);
  await fails(tab.stream("Watch", [sessionId]).over(), /^\[session_not_found\] /);
}
