/** What a close code asks of the client: come back, come back with a new token, or stay away. */

export type Advice =
  /** Reconnect with backoff and resume. */
  | "return"
  /** As `return`, with another subprotocol. */
  | "return_with_another_codec"
  /** Only with a new token. */
  | "renew_token"
  /** Not by itself. */
  | "stop";

/** Why a client stopped, in words for a person. */
export const REASONS: ReadonlyMap<number, string> = new Map([
  [1002, "The server did not understand this page. Reload it to get the newest version."],
  [1003, "The server did not understand this page. Reload it to get the newest version."],
  [1007, "The server did not understand this page. Reload it to get the newest version."],
  [1009, "What was sent is too large."],
  [4500, "The server did not understand this page. Reload it to get the newest version."],
  [4501, "Signing in took too long."],
  [4502, "The sign-in is not valid. Sign in again."],
  [4503, "The sign-in has ended. Sign in again."],
  [4504, "You have been banned from this chat."],
  [4505, "Too much was sent in too short a time."],
]);

/** Codes of RFC 6455 that say this client is wrong: coming back would repeat it. */
const MEND_THE_CLIENT = new Set([1002, 1003, 1007, 1009]);

export function adviceFor(code: number): Advice {
  if (code === 4003) return "return_with_another_codec";
  if (code === 4502 || code === 4503) return "renew_token";
  if (MEND_THE_CLIENT.has(code) || (code >= 4500 && code <= 4999)) return "stop";
  return "return";
}

export function reasonFor(code: number, said: string): string {
  return REASONS.get(code) ?? (said || `The connection was closed (${code}).`);
}
