/** A comment with its replies. */

import type { Client, Comment, StreamEvent } from "@ringside/client";

/** Most replies shown; a thread with more is a chat of its own. */
const REPLIES_MAX = 200;

export class Thread {
  readonly id: string;
  parent: Comment | undefined;
  /** Oldest first. */
  replies: readonly Comment[] = [];
  state: "loading" | "ready" | "failed" = "loading";
  readonly #client: Client;

  constructor(client: Client, id: string, parent: Comment | undefined) {
    this.#client = client;
    this.id = id;
    this.parent = parent;
  }

  async load(): Promise<void> {
    try {
      const { rest } = this.#client;
      const [parent, page] = await Promise.all([
        this.parent ?? rest.comment(this.id),
        rest.replies(this.id, { pageSize: 100 }),
      ]);
      this.parent = parent;
      const read = [...page.items].reverse();
      const since = this.replies.filter((reply) => !read.some((one) => one.id === reply.id));
      this.replies = [...read, ...since];
      this.state = "ready";
    } catch {
      this.state = "failed";
    }
  }

  apply(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (event.type === "comment" && event.comment.replyTo === this.id) {
        const others = this.replies.filter((reply) => reply.id !== event.comment.id);
        this.replies = [...others, event.comment].slice(-REPLIES_MAX);
      } else if (event.type === "removed") {
        this.replies = this.replies.filter((reply) => reply.id !== event.id);
      } else if (event.type === "edited") {
        this.replies = this.replies.map((reply) =>
          reply.id === event.id ? { ...reply, text: event.text, edited: true } : reply,
        );
      }
    }
  }
}
