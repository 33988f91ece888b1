/** Comments that wait for a moderator: what the store has, and what is held from now on. */

import type { Client, Comment, StreamEvent } from "@ringside/client";

/** Most comments kept; the rest is read when these are decided. */
const COMMENTS_MAX = 50;

export class ReviewQueue {
  /** Oldest first: who waited longest comes first. */
  comments: readonly Comment[] = [];
  loading = false;
  failed = false;
  readonly #client: Client;
  readonly #changed: () => void;

  constructor(client: Client, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    this.failed = false;
    this.#changed();
    try {
      const page = await this.#client.rest.page({ of: "review", pageSize: COMMENTS_MAX });
      this.comments = [...page.items].reverse();
    } catch {
      this.failed = true;
    }
    this.loading = false;
    this.#changed();
  }

  apply(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (event.type === "removed") this.decided(event.id);
      else if (event.type === "comment") {
        const { comment } = event;
        if (!comment.held) this.decided(comment.id);
        else if (!this.comments.some((one) => one.id === comment.id)) {
          this.comments = [...this.comments, comment].slice(-COMMENTS_MAX);
        }
      }
    }
  }

  decided(id: string): void {
    this.comments = this.comments.filter((comment) => comment.id !== id);
    this.#changed();
  }
}
