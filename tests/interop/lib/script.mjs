// What the provider is to answer travels in the user's message, as JSON: the stage reads it there. `mark` names the
// requests that it causes. Each round is the answer to one model request.

export const gate = (name) => ({ gate: name });
export const say = (...pieces) => ({ say: pieces });
export const think = (...pieces) => ({ think: pieces });
export const tool = (name, args = {}) => ({ tool: name, arguments: args });
export const pace = (ms) => ({ pace_ms: ms });
export const stall = { stall: true };
// `amount` pieces, each its number and `after`.
export const count = (amount, after) => ({ count: amount, after });
export const before = (name) => ({ before: name });

export function script(mark, ...rounds) {
  return JSON.stringify({ mark, rounds });
}
