/** Keeps a connection below the server's limit of commands, past which it would be closed. */

import { COMMANDS_PER_MINUTE } from "./limits.ts";

const WINDOW_MS = 60_000;
/** Kept free for `authenticate`, `join`, `refresh` and for clocks that differ. */
const RESERVE = 6;

export class Pace {
  readonly #most: number;
  /** When each command of the last minute was sent; at most `#most` of them. */
  #sent: number[] = [];

  constructor(most = COMMANDS_PER_MINUTE - RESERVE) {
    this.#most = most;
  }

  /** Milliseconds until one more command may be sent; 0 when it may now. */
  waitMs(now: number): number {
    this.#sent = this.#sent.filter((at) => now - at < WINDOW_MS);
    const oldest = this.#sent[this.#sent.length - this.#most];
    return oldest === undefined ? 0 : oldest + WINDOW_MS - now;
  }

  count(now: number): void {
    this.#sent.push(now);
  }
}
