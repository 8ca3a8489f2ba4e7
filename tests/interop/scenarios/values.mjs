// Strings and sizes.

import { equal, fails, matches, ok } from "../lib/check.mjs";
import { textOf } from "../lib/fold.mjs";
import { say, script } from "../lib/script.mjs";

const HALF = "\ud83d";
const LONG = "long enough for the other way of encoding strings, ".repeat(10);

export async function half_an_emoji_arrives_as_the_replacement_character(t) {
  for (const around of ["", LONG]) {
    const { tab, sessionId, watch } = await t.session({ title: `${HALF}title` });
    equal((await tab.invoke("GetSession", sessionId)).title, "\ufffdtitle", "the title");
    const updated = await tab.invoke("UpdateSession", sessionId, { title: `Cell ${HALF}`, tags: [`a${HALF}`] });
    equal([updated.title, updated.tags], ["Cell \ufffd", ["a\ufffd"]], "title and tags");
    const message = {
      messageId: t.id("m"),
      content: `${around}a ${HALF} b \ude00 c ${HALF}`,
      context: { [`key${HALF}`]: `${around}${HALF}`, cells: [[`\ude00 1`, 2]] },
    };
    const { runId } = await tab.invoke("SendMessage", sessionId, message);
    const done = await watch.done(runId);
    equal(done.outcome, "completed", "the outcome");
    const { parts, context } = watch.fold.message(message.messageId);
    equal(parts[0].text, `${around}a \ufffd b \ufffd c \ufffd`, "the content");
    equal(context, { "key\ufffd": `${around}\ufffd`, cells: [["\ufffd 1", 2]] }, "the context");
    matches(textOf(watch.fold.answerTo(runId)), /a \ufffd b \ufffd c \ufffd$/, "the answer that repeats it");
    equal((await tab.invoke("SendMessage", sessionId, message)).runId, runId, "the run of the same message again");
    equal(tab.connection.state, "Connected", "the connection's state");
  }
}

export async function an_emoji_split_over_two_deltas_arrives_whole(t) {
  const { tab, sessionId, watch } = await t.session();
  const pieces = ["Smile ", "\ud83d", "\ude00", " and family \ud83d\udc68\u200d\ud83d", "\udc69 done", " half \ud83d", " end"];
  const { runId } = await tab.send(sessionId, t.id("m"), script("x", [say(...pieces)]));
  await watch.done(runId);
  const text = "Smile \u{1f600} and family \u{1f468}\u200d\u{1f469} done half \ufffd end";
  equal(textOf(watch.fold.answerTo(runId)), text, "the answer");
  for (const { delta } of watch.of("text")) ok(delta.isWellFormed(), `the delta ${JSON.stringify(delta)} is whole`);
}

export async function every_kind_of_value_comes_back_as_it_was(t) {
  const { tab, sessionId, watch } = await t.session();
  const context = {
    numbers: [0, -1, 127, 128, 65536, -2147483649, 4294967296, 9007199254740991, 0.1, -1.5e300],
    texts: ["", "ü", "日本語", "\u0000\u0001\u001e", "\u{1f600}", "a".repeat(70_000)],
    others: [true, false, null, [], {}, [[[]]]],
    "": "an empty key",
  };
  const message = { messageId: t.id("m"), content: "Values.", context };
  await watch.done((await tab.invoke("SendMessage", sessionId, message)).runId);
  equal(watch.fold.message(message.messageId).context, context, "the context");
}

export async function a_message_of_a_mebibyte_is_taken(t) {
  const { tab, sessionId, watch } = await t.session();
  const content = [
    { type: "text", text: "y".repeat(1_000_000) },
    { type: "text", text: script("x", [say("ok")]) },
  ];
  const { runId } = await tab.invoke("SendMessage", sessionId, { messageId: t.id("m"), content });
  equal((await watch.done(runId)).outcome, "completed", "the outcome");
}

export async function a_message_over_the_limit_closes_the_connection(t) {
  const { tab, sessionId, watch } = await t.session();
  const sending = tab.send(sessionId, t.id("m"), "y".repeat(1024 * 1024));
  const told = /Connection closed with an error\. InvalidDataException: The maximum message size of 1048576B was exceeded\./;
  await fails(sending, told);
  matches((await tab.closed).message, told, "why the connection closed");
  await fails(watch.over(), told);
  const other = await t.connect();
  equal((await other.invoke("History", sessionId)).messages, [], "the history");
}
