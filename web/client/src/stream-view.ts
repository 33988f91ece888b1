/** A stream as one viewer sees it: the timeline, and what stands around it. Kept up to date by a client. */

import type { Client } from "./client.ts";
import type { GapEntry } from "./entry.ts";
import type { Author, Comment, Notice, Outcome, Reaction, Settings } from "./model.ts";
import { newReference } from "./reference.ts";
import { RequestError } from "./rest.ts";
import { Timeline } from "./timeline.ts";

/** Comments are sampled: what viewers are told. */
export interface Sampling {
  text: string;
  /** Percent of comments that are shown. */
  shownPercent: number;
  /** Comments left out since sampling began. */
  leftOut: number;
}

export class StreamView {
  readonly timeline = new Timeline();
  settings: Settings | undefined;
  viewers: number | undefined;
  emoji: ReadonlyMap<string, number> = new Map();
  pinned: Comment | null = null;
  sampling: Sampling | undefined;
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  /** A page is being read. */
  #loading = false;

  constructor(client: Client) {
    this.#client = client;
    this.timeline.signedIn(client.user?.id);
    this.timeline.subscribe(() => this.#changed());
    client.on("user", (user) => this.timeline.signedIn(user?.id));
    client.on("joined", (joined) => {
      this.settings = joined.settings;
      this.viewers = joined.viewers;
      this.emoji = joined.emoji;
      this.pinned = joined.pinned;
      // The host says again whether it samples.
      this.sampling = undefined;
      this.timeline.joined(joined);
      void this.#recall(joined.history);
    });
    client.on("batch", ({ events, leftOut }) => {
      for (const event of events) {
        if (event.type === "settings") this.settings = event.settings;
        else if (event.type === "viewers") this.viewers = event.count;
        else if (event.type === "emoji") this.emoji = event.totals;
        else if (event.type === "pinned") this.pinned = event.comment;
        else if (event.type === "removed" && this.pinned?.id === event.id) this.pinned = null;
        else if (event.type === "edited" && this.pinned?.id === event.id) {
          this.pinned = { ...this.pinned, text: event.text, edited: true };
        }
      }
      if (this.sampling) this.sampling = { ...this.sampling, leftOut: this.sampling.leftOut + leftOut };
      this.timeline.apply(events);
    });
    client.on("notice", (notice) => this.#notice(notice));
  }

  /** Calls `listener` after every change. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Posts a comment, shown as pending until its answer; with the reference of a failed one, posts that again. */
  async post(author: Author, text: string, replyTo?: string, again?: string): Promise<Outcome> {
    const reference = again ?? newReference();
    const comment: Comment = {
      id: reference,
      author,
      text,
      atMs: Date.now(),
      mentions: [],
      edited: false,
      likes: 0,
      dislikes: 0,
      replies: 0,
      held: false,
    };
    if (replyTo !== undefined) comment.replyTo = replyTo;
    this.timeline.submit(comment, reference);
    const outcome = await this.#client.comment(
      text,
      replyTo === undefined ? { reference } : { reference, replyTo },
    );
    this.timeline.settle(reference, outcome);
    return outcome;
  }

  /** Sets a like or dislike, shown at once and taken back when it fails. */
  async react(id: string, reaction: Reaction): Promise<Outcome> {
    const before = this.timeline.react(id, reaction);
    const outcome = await this.#client.react(id, reaction);
    if (outcome.status !== "done") this.timeline.react(id, before);
    return outcome;
  }

  /** Reads the page before the oldest comment shown. True when there was one to read. */
  async loadOlder(): Promise<boolean> {
    const first = this.timeline.entries.find((entry) => entry.kind === "comment" && !entry.reference);
    if (this.#loading || !this.timeline.more || first?.kind !== "comment") return false;
    this.#loading = true;
    try {
      const page = await this.#client.rest.page({ cursor: first.comment.id, direction: "before" });
      this.timeline.prepend(page);
      void this.#recall(page.items);
      return true;
    } finally {
      this.#loading = false;
    }
  }

  /** Reads what is missing, a page at a time. */
  async fill(gap: GapEntry): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const page = await this.#client.rest.page({ cursor: gap.after, direction: "after" });
      this.timeline.fill(gap, page);
      void this.#recall(page.items);
    } finally {
      this.#loading = false;
    }
  }

  /** Asks what this viewer thinks of comments that were not seen live: batches and pages are the same for everyone. */
  async #recall(comments: readonly Comment[]): Promise<void> {
    const rated = comments.filter(({ likes, dislikes }) => likes + dislikes > 0).map(({ id }) => id);
    if (!this.#client.user || rated.length === 0) return;
    try {
      this.timeline.reacted(await this.#client.rest.reactions(rated));
    } catch (error) {
      // The totals are right without it; only the buttons do not show what was pressed.
      if (!(error instanceof RequestError)) throw error;
    }
  }

  #notice(notice: Notice): void {
    const here = notice.stream === undefined || notice.stream === this.#client.stream;
    if (notice.kind === "banner" && here) {
      const leftOut = this.sampling?.leftOut ?? 0;
      this.sampling = { text: notice.text, shownPercent: notice.value, leftOut };
    } else if (notice.kind === "banner_ended" && here) this.sampling = undefined;
    else if (notice.kind === "mention" && here && notice.comment) {
      // Sampling left it out of the batches; whom it names sees it all the same.
      this.timeline.apply([{ type: "comment", comment: notice.comment }]);
    } else return;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
