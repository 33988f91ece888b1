/** What a screen reader says: never more than a person can listen to, and what is urgent before the rest. */

import type { Comment } from "@ringside/client";

/** Time between two announcements of comments. */
export const EVERY_MS = 5_000;
/** Longest text of a comment that is read out; of several only the last is. */
const TEXT_CHARS_MAX = 120;

export class Announcer {
  readonly #say: (text: string) => void;
  readonly #everyMs: number;
  #new = 0;
  #last: Comment | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(say: (text: string) => void, everyMs = EVERY_MS) {
    this.#say = say;
    this.#everyMs = everyMs;
  }

  /** A comment came: said soon, with the others that come until then. */
  comment(comment: Comment): void {
    this.#new += 1;
    this.#last = comment;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flush(), this.#everyMs);
  }

  /** Something about this very viewer: said at once. */
  now(text: string): void {
    this.#say(text);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    this.#timer = undefined;
    const last = this.#last;
    if (!last) return;
    const text = Array.from(last.text).slice(0, TEXT_CHARS_MAX).join("");
    const one = `${last.author.name}: ${text}`;
    this.#say(this.#new === 1 ? one : `${this.#new} new comments. Last, ${one}`);
    this.#new = 0;
    this.#last = undefined;
  }
}
