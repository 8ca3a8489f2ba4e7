/** Which addresses out of a text may become a link. Everything in doubt stays text. */

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
// Browsers drop some of these while reading an address, so that `java\tscript:` would work.
const CONTROL_OR_SPACE = /[\u0000-\u0020\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\ufeff]/;

/** The address, normalised; null unless it is absolute, plain, and of a scheme that only navigates. */
export function safeHref(address: string): string | null {
  if (CONTROL_OR_SPACE.test(address) || !/^(?:https?:\/\/|mailto:)/i.test(address)) return null;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  // `https://bank.example@elsewhere` reads as what it is not.
  if (!SCHEMES.has(url.protocol) || url.username !== "" || url.password !== "") return null;
  return url.href;
}
