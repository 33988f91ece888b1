/** Which comments were told of already, so that none is told twice after a resume or a move. */

import type { Comment } from "./model.ts";

/** More than a host replays to a client that resumes (2,000 events), with as much again on top. */
const COMMENTS_MAX = 4_096;

export class Seen {
  /** What was last told of each comment, the oldest first. */
  readonly #told = new Map<string, string>();

  add(comments: readonly Comment[]): void {
    for (const comment of comments) this.isNew(comment);
  }

  /** True, once, for each state of a comment: one that is approved comes again, not held any more. */
  isNew(comment: Comment): boolean {
    const { id, text, held, likes, dislikes, replies } = comment;
    const now = `${held} ${likes} ${dislikes} ${replies} ${text}`;
    if (this.#told.get(id) === now) return false;
    this.#told.set(id, now);
    if (this.#told.size > COMMENTS_MAX) {
      const [oldest] = this.#told.keys();
      if (oldest !== undefined) this.#told.delete(oldest);
    }
    return true;
  }
}
