// Errors: the contract's codes go out verbatim, SignalR's own texts stay for the rest, and the connection lives on.

import { equal, fails } from "../lib/check.mjs";

const streamed = (tab, method, ...args) => tab.stream(method, args).over();

export async function the_hubs_own_errors_go_out_verbatim(t) {
  const { tab, sessionId } = await t.session();
  const sentence = /^\[[a-z_]+\] [^\n]+[.]$/;
  for (const [method, args, code] of [
    ["GetSession", ["ses_none"], "session_not_found"],
    ["History", ["ses_none"], "session_not_found"],
    ["Stop", ["ses_none"], "session_not_found"],
    ["DeleteSession", ["ses_none"], "session_not_found"],
    ["SendMessage", ["ses_none", { messageId: "m", content: "x" }], "session_not_found"],
    ["SendMessage", [sessionId, { messageId: "m", content: " " }], "invalid_arguments"],
    ["SendMessage", [sessionId, { messageId: "m" }], "invalid_arguments"],
    ["SendMessage", [sessionId, { content: "x" }], "invalid_arguments"],
    ["SendMessage", [sessionId, { messageId: "a b", content: "x" }], "invalid_arguments"],
    ["SendMessage", [sessionId, { messageId: "m", content: 5 }], "invalid_arguments"],
    ["SendMessage", [sessionId, { messageId: "m", content: "x" }, { whenBusy: "wait" }], "invalid_arguments"],
    ["SendMessage", [sessionId, { messageId: "m", content: "x" }, { provider: "none" }], "provider_not_allowed"],
    ["Stop", [sessionId, { runId: "run_none" }], "run_not_found"],
    ["Regenerate", [sessionId, { regenerateId: "r" }], "message_not_found"],
    ["OpenSession", [{ sessionId: "not an id" }], "invalid_arguments"],
    ["OpenSession", [{ title: 7 }], "invalid_arguments"],
  ]) {
    const text = await fails(tab.invoke(method, ...args), sentence, method);
    equal(text.slice(0, text.indexOf(" ")), `[${code}]`, `${method}'s code`);
  }
  for (const [method, args, code] of [
    ["Watch", ["ses_none"], "session_not_found"],
    ["Watch", [sessionId, { offset: 1 }], "invalid_arguments"],
    ["Chat", ["ses_none", { messageId: "m", content: "x" }], "session_not_found"],
    ["Chat", [sessionId, { messageId: "m", content: "" }], "invalid_arguments"],
  ]) {
    const text = await fails(streamed(tab, method, ...args), sentence, method);
    equal(text.slice(0, text.indexOf(" ")), `[${code}]`, `${method}'s code`);
  }
  equal((await tab.invoke("GetSession", sessionId)).sessionId, sessionId, "the session, afterwards");
}

export async function signalr_has_its_own_texts(t) {
  const { tab, sessionId } = await t.session();
  await fails(tab.invoke("Nothing"), /^Unknown hub method 'Nothing'$/);
  await fails(tab.invoke("on_connected"), /^Unknown hub method 'on_connected'$/);
  await fails(streamed(tab, "Nothing"), /^Unknown hub method 'Nothing'$/);
  const binder = (name) => new RegExp(`^Failed to invoke '${name}' due to an error on the server\\.`);
  await fails(tab.invoke("GetSession"), binder("GetSession"));
  await fails(tab.invoke("GetSession", sessionId, 1, 2, 3), binder("GetSession"));
  await fails(tab.invoke("GetSession", 5), binder("GetSession"));
  await fails(tab.invoke("SendMessage", 5, { messageId: "m", content: "text" }), binder("SendMessage"));
  await fails(streamed(tab, "Watch"), binder("Watch"));
  await fails(
    tab.invoke("Watch", sessionId),
    /^The client attempted to invoke the streaming 'Watch' method with a non-streaming invocation\.$/,
  );
  await fails(
    streamed(tab, "GetSession", sessionId),
    /^The client attempted to invoke the non-streaming 'GetSession' method with a streaming invocation\.$/,
  );
  await tab.connection.send("Nothing"); // not answered, and no harm
  equal((await tab.invoke("GetSession", sessionId)).sessionId, sessionId, "the session, afterwards");
}
