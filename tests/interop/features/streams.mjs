// Streams both ways, and answers of clients.

import { equal, fails, within } from "../lib/check.mjs";
import { closing, collect, connect, Received } from "../lib/connections.mjs";

export async function streams_to_the_client(t, { transport }) {
  const connection = await connect(t, { transport });
  equal(await collect(connection.stream("Stream")), ["a", "b", "c"], "the stream");
  equal(await collect(connection.stream("EmptyStream")), [], "the empty stream");
  const values = [null, 0, "", false, [], {}, { a: [null] }, "é 🌍"];
  equal(await collect(connection.stream("Items", values)), values, "the values");
  const both = await Promise.all([collect(connection.stream("Count", 1_000)), collect(connection.stream("Count", 1_000))]);
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  equal(both, [numbers, numbers], "two streams at once");
}

export async function errors_of_streams(t, { transport }) {
  const connection = await connect(t, { transport });
  const error = async (method, ...args) => fails(collect(connection.stream(method, ...args)), /./);
  // An async generator raises when its first item is asked for, as in .NET an iterator does.
  equal(
    await error("StreamThrowException", "An error occurred."),
    "An error occurred on the server while streaming results. InvalidOperation: An error occurred.",
    "the error",
  );
  equal(await error("StreamRefuse", "no"), "An error occurred on the server while streaming results. HubException: no");
  equal(await error("NoSuchStream"), "Unknown hub method 'NoSuchStream'");
  equal(
    await error("EchoText", "42"),
    "The client attempted to invoke the non-streaming 'EchoText' method with a streaming invocation.",
  );
  for (const method of ["EmptyStream", "Stream"]) {
    equal(
      await fails(connection.invoke(method), /./),
      `The client attempted to invoke the streaming '${method}' method with a non-streaming invocation.`,
    );
  }
  await fails(collect(connection.stream("Count", "x")), /^Failed to invoke 'Count' due to an error on the server\./);
  equal(await connection.invoke("Echo", 1), 1, "the answer");
}

// The cancellation may come with the call in one piece; the method has begun all the same.
export async function cancelled_streams(t, { transport }) {
  const cancelled = new Received();
  const connection = await connect(t, { transport }, { StreamCanceled: cancelled.push });
  const fail = (what) => () => cancelled.push(`${what} of a cancelled stream`);
  const ignore = { next: fail("an item"), complete() {}, error: fail("an error") };
  for (const mark of ["one", "two"]) {
    connection.stream("InfiniteStream", mark).subscribe(ignore).dispose();
    equal(await cancelled.next(`the news that ${mark} was cancelled`), mark, "the stream that was cancelled");
  }
  const subscription = connection.stream("InfiniteStream", "three").subscribe(ignore);
  await connection.invoke("Echo", null);
  subscription.dispose();
  equal(await cancelled.next(), "three", "the stream that was cancelled");
  subscription.dispose(); // twice is once
  equal(await connection.invoke("Echo", null), null, "the answer");

  connection.stream("InfiniteStream", "four").subscribe(ignore);
  await connection.invoke("Echo", null);
  await connection.stop();
  for (const mark of ["one", "two", "three", "four"]) equal(await t.ask("noted"), `cancelled ${mark}`, "the note");
}

export async function uploads(t, { transport }) {
  const connection = await connect(t, { transport });
  const { Subject } = t.signalR;
  const send = (method, ...items) => {
    const subject = new Subject();
    const answer = connection.invoke(method, subject);
    for (const item of items) subject.next(item);
    subject.complete();
    return within(answer, () => `the answer of ${method}`);
  };
  equal(await send("StreamingConcat", "Hello ", "world", "!"), "Hello world!", "the text");
  equal(await send("StreamingConcat"), "", "the empty text");
  const many = Array.from({ length: 50 }, (_, index) => `${index},`);
  equal(await send("StreamingConcat", ...many), many.join(""), "fifty pieces");

  const [left, right] = [new Subject(), new Subject()];
  const sum = connection.invoke("SumBoth", left, 10, right); // streams stand anywhere among the arguments
  for (let number = 0; number < 50; number += 1) left.next(number);
  left.complete();
  for (let number = 0; number < 50; number += 1) right.next(1);
  right.complete();
  equal(await within(sum, () => "the sum"), 10 * (1225 + 50), "the sum of two uploads");

  const broken = new Subject();
  const concat = connection.invoke("StreamingConcat", broken);
  broken.next("Hello");
  broken.error(new Error("Something bad"));
  equal(
    await fails(concat, /./),
    "An unexpected error occurred invoking 'StreamingConcat' on the server. HubException: Something bad",
    "the error",
  );

  const wrong = new Subject();
  const refused = connection.invoke("StreamingConcat", wrong);
  wrong.next(5);
  await fails(refused, /Failed to bind Stream message\./);
  wrong.next("after the end"); // ignored
  wrong.complete();

  const endless = new Subject();
  const first = connection.invoke("FirstOf", endless);
  endless.next(7);
  equal(await within(first, () => "the first"), 7, "the first number");
  for (let number = 0; number < 50; number += 1) endless.next(number); // nobody reads them
  endless.complete();

  const noted = new Subject();
  await connection.send("NoteItems", "sent", noted);
  noted.next("a");
  noted.next("b");
  noted.complete();
  equal(await t.ask("noted"), "sent: a b", "the note");

  equal(
    await fails(connection.invoke("StreamingConcat"), /./),
    "An unexpected error occurred invoking 'StreamingConcat' on the server. HubException: Client sent 0 stream(s), Hub method expects 1.",
  );
  await fails(connection.invoke("Nothing", new Subject()), /HubException: Client sent 1 stream\(s\), Hub method expects 0\.$/);
  equal(await connection.invoke("Echo", 1), 1, "the answer");
}

export async function a_stream_for_an_upload(t, { transport }) {
  const connection = await connect(t, { transport });
  const subject = new t.signalR.Subject();
  const back = new Received();
  const over = new Promise((resolve, reject) => {
    connection.stream("EchoStream", subject).subscribe({ next: back.push, complete: resolve, error: reject });
  });
  for (const value of [1, "two", [3], { four: 4 }, false]) {
    subject.next(value);
    equal(await back.next(`${value} to come back`), value, "what came back");
  }
  subject.complete();
  await within(over, () => "the end of the stream");
}

// C3: what a handler gives is the answer; the caller's own slot is free meanwhile.
export async function results_of_clients(t, { transport }) {
  let answer = () => 10;
  const connection = await connect(t, { transport }, { Result: (...args) => answer(...args) });
  const ask = (method = "Ask", ...args) => within(connection.invoke(method, "Result", ...args), () => "the answer");
  for (const value of [10, "é", null, [1, { a: null }], { list: [] }, false]) {
    answer = () => value;
    equal(await ask(), value, "the result");
  }
  answer = async (argument) => ({ argument });
  equal(await ask("Ask", { deep: [1] }), { argument: { deep: [1] } }, "the result of an async handler");
  answer = () => connection.invoke("Echo", "from within"); // would wait for ever if it held the slot
  equal(await ask(), "from within", "the result");
  const failing = async (method, pattern) => fails(ask(method), pattern);
  answer = () => {
    throw new Error("from callback");
  };
  equal(await failing("Ask", /./), "An unexpected error occurred invoking 'Ask' on the server. HubException: Error: from callback");
  answer = () => undefined;
  await failing("Ask", /HubException: Client didn't provide a result\.$/);
  answer = () => "no number";
  await failing("AskForNumber", /^An unexpected error occurred invoking 'AskForNumber' on the server\./);
  answer = () => 7;
  equal(await ask("AskForNumber"), 7, "the number");
  connection.on("Result", () => 8);
  await failing("Ask", /HubException: Client provided multiple results\.$/);
  connection.off("Result");
  await failing("Ask", /HubException: Client didn't provide a result\.$/);
  await fails(connection.invoke("AskAll"), /^An unexpected error occurred invoking 'AskAll' on the server\./);
}

export async function results_for_others(t, { transport }) {
  const asked = await connect(t, { transport }, { Result: () => 10, Slow: () => new Promise(() => {}) });
  const asking = await connect(t, { transport });
  const id = asked.connectionId;
  const outside = async () => (await fetch(`${t.url}/clientresult/${id}`)).text();
  equal(await asking.invoke("AskAnother", id, "Result"), 10, "the result by another's hub method");
  equal(await t.ask("ask_client", id, "Result"), 10, "the result from outside");
  await fails(asking.invoke("AskAnother", "nobody", "Result"), /HubException: /);
  equal(typeof (await t.ask("ask_client", id, "Slow", 0.05)).error, "string", "the error of one that takes too long");
  equal(await outside(), "10", "the result by HTTP");
  asked.off("Result");
  equal(await outside(), "Client didn't provide a result.", "without a handler");
  asked.on("Result", () => {
    throw new Error("from callback");
  });
  equal(await outside(), "Error: from callback", "with one that fails");
  const lost = asking.invoke("AskAnother", id, "Slow");
  lost.catch(() => {});
  await asking.send("Note", "x");
  equal(await t.ask("noted"), "x", "the slot is free");
  const closed = closing(asked);
  await asked.stop();
  await closed;
  await fails(within(lost, () => "the failure of who asked"), /./);
}
