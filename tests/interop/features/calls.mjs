// Calls and what they answer, over the transport of the test, in its encoding.

import { equal, fails, ok, within } from "../lib/check.mjs";
import { closing, connect, Received } from "../lib/connections.mjs";

const GREETING = "你好，世界！ é 🌍 \u0000\u001f\u2028\u2029\ufeff\r\n\t\"\\\u007f";

export async function values_come_back(t, { transport }) {
  const connection = await connect(t, { transport });
  const deep = (levels) => (levels === 0 ? [] : [deep(levels - 1)]);
  const values = [
    null, true, false, 0, -1, 127, 128, 255, 256, 65_535, 65_536, -32_769, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1,
    -(2 ** 53) + 1, 0.1, -2.5e-10, 1e300, "", GREETING, "x".repeat(300), [], {}, [[1, [2, [3]]], [], [[[null]]]],
    { a: { b: { c: [1, { d: null }] } }, "": 1, type: 6, invocationId: "x", é: "ü", A: 1 }, deep(60),
    Array.from({ length: 70 }, (_, index) => index), Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i])),
  ]; // prettier-ignore
  for (const value of values) equal(await connection.invoke("Echo", value), value, "what came back");
  equal(await connection.invoke("EchoText", GREETING), GREETING, "the text");
  equal(await connection.invoke("echo_TEXT", "x"), "x", "by another spelling");
  equal(await connection.invoke("re.named"), "by its own name", "the result");
  equal(await connection.invoke("Nothing"), null, "the result of nothing");
  equal(await connection.invoke("SumOf", 1), 3, "with a default");
  equal(await connection.invoke("SumOf", 1, null), 3, "with a null for a default");
  equal(await connection.invoke("SumOf", 1, 4), 5, "with both");
}

function isBinary(t) {
  return t.encoding === "messagepack";
}

function complex(t, bytes, date) {
  const base64 = btoa(String.fromCharCode(...bytes));
  return {
    ByteArray: isBinary(t) ? new Uint8Array(bytes) : base64,
    DateTime: isBinary(t) ? date : date.toISOString().replace(".000Z", "Z"),
    Guid: "00010203-0405-0607-0706-050403020100",
    IntArray: [1, 2, 3],
    String: "hello world",
  };
}

function sameKinds(actual, expected) {
  if (expected instanceof Date) return ok(actual instanceof Date, `a date came as ${typeof actual}`);
  if (expected instanceof Uint8Array) return ok(actual instanceof Uint8Array, `bytes came as ${typeof actual}`);
  if (expected !== null && typeof expected === "object") {
    for (const [key, value] of Object.entries(expected)) sameKinds(actual[key], value);
  }
}

// M13: in MessagePack dates are timestamps, bytes are binary, and a GUID is text, whatever holds them.
export async function dates_bytes_and_guids(t, { transport }) {
  const connection = await connect(t, { transport });
  const sent = complex(t, [1, 2, 3], new Date(Date.UTC(2000, 0, 1)));
  const leaf = (leaves) => ({ body: sent.ByteArray, at: sent.DateTime, id: sent.Guid, leaves });
  const values = [sent.ByteArray, sent.DateTime];
  for (const [method, value, args] of [
    ["SendComplexObject", sent, []],
    ["EchoComplexObject", sent, [sent]],
    ["EchoLeaf", leaf([leaf([])]), [leaf([leaf([])])]],
    ["Echo", values, [values]],
  ]) {
    const found = await connection.invoke(method, ...args);
    equal(found, value, `the result of ${method}`);
    sameKinds(found, value);
  }
  if (isBinary(t)) {
    const exact = [new Date(0), new Date(-1), new Date(1_700_000_000_123), new Date(Date.UTC(9999, 0, 1)), new Date(-(2 ** 40))];
    const found = await connection.invoke("Echo", exact);
    equal(found, exact, "the dates");
    sameKinds(found, exact);
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    const back = await (await connect(t, { transport, path: "/large" })).invoke("Echo", bytes);
    ok(back.length === bytes.length && back.every((byte, index) => byte === bytes[index]), "the bytes differ");
  }
}

export async function send_is_not_answered(t, { transport }) {
  const connection = await connect(t, { transport });
  const closed = closing(connection);
  await connection.send("Note", GREETING);
  equal(await t.ask("noted"), GREETING, "what the method got");
  await connection.send("ThrowException", "nobody hears it"); // not even of its failure (M6)
  await connection.send("NoSuchMethod");
  await connection.send("SumOf", "not a number");
  equal(await connection.invoke("EchoText", "x"), "x", "the answer");
  await connection.stop();
  equal(await closed, null, "the error of the end");
  equal(await t.ask("gone"), null, "the error of on_disconnected");
}

export async function server_calls_are_handled_in_order(t, { transport }) {
  const received = new Received();
  const empty = new Received();
  const objects = new Received();
  const connection = await connect(t, { transport }, {
    mEsSaGe: received.push,
    numbers: received.push,
    empty: (...args) => empty.push(args.length),
    CustomObject: objects.push,
  });
  await connection.invoke("InvokeWithString", GREETING);
  equal(await received.next(), GREETING, "the message");
  await connection.send("SendCustomObject", { Name: "test", Value: 42 });
  equal(await objects.next(), { Name: "test", Value: 42 }, "the object");
  await connection.invoke("NoArguments");
  equal(await empty.next(), 0, "the number of arguments");
  await connection.invoke("TellMany", "Numbers", 200);
  for (let number = 0; number < 200; number += 1) equal(await received.next(), number, "the next number");
  await connection.invoke("TellMany", "Unheard", 3); // no handler: ignored
  await t.ask("send_to", connection.connectionId, "Message", "from outside");
  equal(await received.next(), "from outside", "what was sent from outside of the hub");
}

export async function calls_run_in_order(t, { transport }) {
  const connection = await connect(t, { transport });
  const answers = [];
  const calls = Array.from({ length: 100 }, (_, number) =>
    connection.invoke("Echo", number).then((answer) => answers.push(answer)),
  );
  await within(Promise.all(calls), () => `100 answers, of which ${answers.length} came`);
  equal(answers, Array.from({ length: 100 }, (_, number) => number), "the order of the answers");
}

export async function errors_are_told(t, { transport }) {
  const connection = await connect(t, { transport });
  const say = (...args) => connection.invoke(...args);
  const raised = "An unexpected error occurred invoking 'ThrowException' on the server. InvalidOperation: An error occurred.";
  equal(await fails(say("ThrowException", "An error occurred."), /./), raised, "the error");
  equal(
    await fails(say("throwHubException", "Not today."), /./),
    "An unexpected error occurred invoking 'throwHubException' on the server. HubException: Not today.",
    "the error",
  );
  equal(await fails(say("NoSuchMethod"), /./), "Unknown hub method 'NoSuchMethod'", "the error");
  for (const hidden of ["on_connected", "OnDisconnectedAsync", "__init__", "context", "_notes", "clients.all", ""]) {
    equal(await fails(say(hidden), /./), `Unknown hub method '${hidden}'`, "the error");
  }
  const failed = "Failed to invoke 'SumOf' due to an error on the server. InvalidDataException: ";
  equal(await fails(say("SumOf"), /./), `${failed}Invocation provides 0 argument(s) but target expects 1.`, "the error");
  equal(await fails(say("SumOf", 1, 2, 3), /./), `${failed}Invocation provides 3 argument(s) but target expects 2.`);
  for (const wrong of ["1", 1.5, true, null, [1], {}]) await fails(say("SumOf", wrong), /^Failed to invoke 'SumOf' due to/);
  equal(await fails(say("OnlyKeepers"), /./), "Failed to invoke 'OnlyKeepers' because user is unauthorized", "the error");
  await fails(say("ReturnWhatCannotTravel"), /^An unexpected error occurred invoking 'ReturnWhatCannotTravel' on the server\./);
  equal(await say("Echo", "still here"), "still here", "the answer");

  const plain = await connect(t, { transport, path: "/plain" });
  const terse = async (method, ...args) => fails(plain.invoke(method, ...args), /./);
  equal(await terse("ThrowException", "secret"), "An unexpected error occurred invoking 'ThrowException' on the server.");
  equal(await terse("SumOf", "x"), "Failed to invoke 'SumOf' due to an error on the server.");
  equal(await terse("ThrowHubException", "told"), "An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: told");

  const keeper = await connect(t, { transport, accessTokenFactory: () => "keeper" });
  equal(await keeper.invoke("OnlyKeepers"), null, "the keeper's answer");
}

// C1: the setting of how many run at once; with the default of one the second waits for the first.
export async function parallel_calls(t, { transport }) {
  const parallel = await connect(t, { transport, path: "/parallel" });
  const met = [1, 2, 3].map(() => parallel.invoke("Meet", 3));
  equal(await within(Promise.all(met), () => "three that run at once"), ["all here", "all here", "all here"]);

  const serial = await connect(t, { transport });
  const first = serial.invoke("Meet", 2);
  const second = serial.invoke("Meet", 2);
  for (const call of [first, second]) call.catch(() => {}); // stopped with the connection
  while ((await serial.invoke("CountWaiting")) === 0);
  equal(await serial.invoke("CountWaiting"), 1, "how many calls run");
}

export async function who_i_am(t, { transport }) {
  const connection = await connect(t, { transport, accessTokenFactory: async () => "Ann é".replace(" é", "") });
  equal(await connection.invoke("Whoami"), [connection.connectionId, "Ann"], "who the server sees");
  ok(/^[\w-]{22}$/.test(connection.connectionId), `the id ${connection.connectionId}`);
}
