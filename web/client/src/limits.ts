/** The protocol's limits that a client can run into; `docs/protocol.md` has all of them. */

/** Longest comment, in characters (Unicode code points). */
export const TEXT_CHARS_MAX = 500;
/** Longest frame a client may send, in bytes. */
export const FRAME_BYTES_MAX = 4_096;
/** Most emoji of one kind in one command. */
export const EMOJI_COUNT_MAX = 50;
/** Commands a connection may send in any 60 s; past it the server closes it. */
export const COMMANDS_PER_MINUTE = 60;
/** Commands of one connection that may wait for their answer at once. */
export const COMMANDS_IN_FLIGHT_MAX = 8;
/** Most comments in one page. */
export const PAGE_SIZE_MAX = 200;
/** Longest slow mode, in seconds. */
export const SLOW_MODE_S_MAX = 21_600;
/** Most blocked terms of a stream, and the longest of them in bytes. */
export const BLOCKED_TERMS_MAX = 200;
export const BLOCKED_TERM_BYTES_MAX = 64;

/** How long a text is as the server counts: in code points, not in UTF-16 units. */
export function lengthOf(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
