/** Every wait of the client, with its reason; tests shorten them. */

export interface Timing {
  /** From opening a socket to the answer to `join`; past it the attempt has failed. */
  joinMs: number;
  /** For the answer to a command; past it the connection is taken for dead. */
  answerMs: number;
  /** How long a command is kept while there is no connection; past it its author is told. */
  commandMs: number;
  /** The first reconnect comes within this time, each next one within twice the last. */
  backoffMs: number;
  /** The longest time between two attempts. */
  backoffMsMax: number;
  /** A connection that lived this long was a good one: the next backoff starts anew. */
  settledMs: number;
  /** A connection that was moved away from is closed after this time at the latest. */
  retireMs: number;
  /** Emoji taps are gathered this long before the first command, so that a burst is one. */
  emojiFirstMs: number;
  /** Between two emoji commands: the 20 a minute that hosts allow by default. */
  emojiEveryMs: number;
}

export const TIMING: Timing = {
  joinMs: 10_000,
  answerMs: 15_000,
  commandMs: 60_000,
  // Viewers of a restarted host come back spread over two seconds, not at once.
  backoffMs: 2_000,
  backoffMsMax: 30_000,
  settledMs: 10_000,
  retireMs: 5_000,
  emojiFirstMs: 400,
  emojiEveryMs: 3_000,
};

/** Shortest wait before a reconnect: a refused connection must not become a busy loop. */
const BACKOFF_MS_MIN = 100;

/** A random wait below a bound that doubles with each attempt (full jitter). */
export function backoff(attempt: number, timing: Timing, random: () => number): number {
  const bound = Math.min(timing.backoffMsMax, timing.backoffMs * 2 ** Math.min(attempt, 16));
  const least = Math.min(BACKOFF_MS_MIN, bound);
  return Math.round(least + random() * (bound - least));
}
