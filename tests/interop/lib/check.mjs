// Assertions that run in Node and in a page alike. A failure says what was and what should have been.

export class Failure extends Error {}

export function ok(condition, text) {
  if (!condition) throw new Failure(text);
}

// Plain JSON with sorted keys; `undefined` is an absent field, as on the wire.
export function canonical(value) {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function shown(value) {
  const text = canonical(value) ?? "undefined";
  return text.length > 1500 ? `${text.slice(0, 1500)}… (${text.length} characters)` : text;
}

export function equal(actual, expected, what = "the value") {
  if (canonical(actual) !== canonical(expected)) {
    throw new Failure(`${what} is\n  ${shown(actual)}\nbut should be\n  ${shown(expected)}`);
  }
}

export function matches(text, pattern, what = "the text") {
  ok(pattern.test(text), `${what} is ${shown(text)} and does not match ${pattern}`);
}

// Resolves with the error's text.
export async function fails(promise, pattern, what = "the call") {
  let result;
  try {
    result = await promise;
  } catch (error) {
    matches(error.message, pattern, `${what}'s error`);
    return error.message;
  }
  throw new Failure(`${what} succeeded with ${shown(result)} and should have failed with ${pattern}`);
}

// A bound on waiting for what must happen; not a pause.
export function within(promise, what, ms = 20_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Failure(`waited ${ms / 1000} s in vain for ${what()}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
