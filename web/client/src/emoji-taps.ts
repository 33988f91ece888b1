/** Gathers emoji taps, so that a viewer who taps fast stays far from the limit of commands. */

import { EMOJI_COUNT_MAX } from "./limits.ts";
import type { Outcome } from "./model.ts";
import type { Timing } from "./timing.ts";

/** Kinds gathered at once: more than a bar of emoji shows. */
const KINDS_MAX = 16;

export class EmojiTaps {
  readonly #timing: Timing;
  readonly #send: (emoji: string, count: number) => Promise<Outcome>;
  readonly #taps = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextAtMs = 0;

  constructor(timing: Timing, send: (emoji: string, count: number) => Promise<Outcome>) {
    this.#timing = timing;
    this.#send = send;
  }

  /** Counts taps; what is more than the server takes in one command is dropped. */
  tap(emoji: string, count: number): void {
    if (!this.#taps.has(emoji) && this.#taps.size >= KINDS_MAX) return;
    this.#taps.set(emoji, Math.min((this.#taps.get(emoji) ?? 0) + count, EMOJI_COUNT_MAX));
    this.#plan();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#taps.clear();
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#taps.size === 0) return;
    const wait = Math.max(this.#timing.emojiFirstMs, this.#nextAtMs - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, wait);
  }

  /** One kind a command, the one with the most taps first. */
  async #flush(): Promise<void> {
    const [most] = [...this.#taps].sort(([, a], [, b]) => b - a);
    if (!most) return;
    this.#taps.delete(most[0]);
    this.#nextAtMs = Date.now() + this.#timing.emojiEveryMs;
    const outcome = await this.#send(...most);
    if (outcome.status === "rate_limited") this.#nextAtMs = Date.now() + outcome.retryAfterMs;
    this.#plan();
  }
}
