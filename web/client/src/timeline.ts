/**
 * The comments that a viewer has before them: bounded, in the log's order, each once, one's own from the moment
 * they are sent. While a reader holds it, what arrives waits beside it and nothing moves under their eyes.
 */

import type { CommentEntry, Entry, GapEntry } from "./entry.ts";
import type { Comment, Joined, Outcome, Page, Reaction, StreamEvent } from "./model.ts";

/** Most entries shown at once: what a page can lay out in one frame on a phone. */
export const SHOWN_MAX = 300;
/** Most entries that wait while a reader holds the list; of more, the oldest become a gap. */
export const WAITING_MAX = 300;
/** How many waiting entries are taken in when a reader comes to the end of what is shown. */
const ADVANCE = 50;

export class Timeline {
  /** Grows with every change. */
  version = 0;
  /** There are older comments than the first one shown. */
  more = false;
  /** How many comments arrived since the list is held. */
  arrived = 0;
  #shown: Entry[] = [];
  #waiting: Entry[] = [];
  #skipped = 0;
  #held = false;
  /** Comments that were sent and have no answer yet, in the order of sending. */
  #pending: CommentEntry[] = [];
  /** One's own comments that came while an answer was due: it may say that they are pending ones. */
  readonly #withheld = new Map<string, Comment>();
  /** Keys that pending comments handed on to real ones. */
  readonly #keys = new Map<string, string>();
  #me: string | undefined;
  #gaps = 0;
  readonly #listeners = new Set<() => void>();

  /** Everything to show, the newest last: what came, then what is pending. */
  get entries(): readonly Entry[] {
    return this.#pending.length > 0 && !this.#held ? [...this.#shown, ...this.#pending] : this.#shown;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Calls `listener` after every change. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Who this viewer is; comments by them are matched with pending ones. */
  signedIn(id: string | undefined): void {
    this.#me = id;
  }

  find(id: string): CommentEntry | undefined {
    const is = (entry: Entry): entry is CommentEntry => entry.kind === "comment" && entry.comment.id === id;
    return this.#shown.findLast(is) ?? this.#waiting.findLast(is) ?? this.#pending.find(is);
  }

  joined(joined: Joined): void {
    const last = [...this.#shown, ...this.#waiting].findLast((entry) => entry.kind === "comment");
    if (last?.kind !== "comment") {
      this.more = joined.more;
      for (const comment of joined.history) this.#add(comment);
    } else {
      const unknown = joined.history.filter((comment) => !this.find(comment.id));
      const [first] = unknown;
      const missed = joined.resumed === "gap" || joined.resumed === "fresh";
      if (missed && first && unknown.length === joined.history.length) {
        this.#append(this.#gap(last.comment.id, first.id));
      }
      for (const comment of joined.history) this.#add(comment);
    }
    this.#changed();
  }

  apply(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (event.type === "comment") this.#arrive(event.comment);
      else if (event.type === "edited") this.#edit(event.id, { text: event.text, edited: true });
      else if (event.type === "removed")
        this.#change(event.id, (entry) => ({ ...entry, removedBy: event.by }));
      else if (event.type === "reactions") {
        this.#edit(event.id, { likes: event.likes, dislikes: event.dislikes });
      } else continue;
    }
    this.#changed();
  }

  /** Shows a comment that is being sent; sent again with its reference, it takes its old place. */
  submit(comment: Comment, reference: string): void {
    this.#forget(reference);
    const entry: CommentEntry = {
      kind: "comment",
      key: reference,
      comment: { ...comment, id: reference },
      status: "pending",
      reference,
      reaction: "none",
      ...this.#parentOf(comment),
    };
    this.#pending.push(entry);
    this.release();
  }

  /** Says what became of a comment that was sent. */
  settle(reference: string, outcome: Outcome): void {
    const entry = this.#pending.find((one) => one.reference === reference);
    if (!entry) return;
    this.#pending = this.#pending.filter((one) => one !== entry);
    switch (outcome.status) {
      case "accepted":
      case "held": {
        const held = outcome.status === "held";
        const known = this.find(outcome.id);
        const real = this.#withheld.get(outcome.id);
        this.#withheld.delete(outcome.id);
        // The viewer looked at the pending one: what is there already gives way to it.
        if (known) this.#shown = this.#shown.filter((one) => one !== known);
        this.#keys.set(outcome.id, reference);
        if (this.#keys.size > SHOWN_MAX) this.#keys.delete([...this.#keys.keys()][0] ?? "");
        this.#add(real ?? known?.comment ?? { ...entry.comment, id: outcome.id, held });
        break;
      }
      case "rate_limited":
        break;
      case "rejected":
        this.#append({ ...entry, status: "rejected", reason: outcome.reason });
        break;
      case "error":
        this.#append({ ...entry, status: "failed", reason: outcome.problem.detail || outcome.problem.title });
        break;
      default:
        this.#append({ ...entry, status: "failed", reason: outcome.status === "lost" ? outcome.reason : "" });
    }
    if (this.#pending.length === 0) {
      for (const comment of this.#withheld.values()) this.#add(comment);
      this.#withheld.clear();
    }
    this.#changed();
  }

  /** Takes a rejected or failed comment off the list. */
  dismiss(key: string): void {
    this.#forget(key);
    this.#changed();
  }

  /** Shows what this viewer thinks at once; the totals come later. Gives what they thought before. */
  react(id: string, reaction: Reaction): Reaction {
    let before: Reaction = "none";
    this.#change(id, (entry) => {
      before = entry.reaction;
      const count = (now: number, which: Reaction) =>
        Math.max(0, now + Number(reaction === which) - Number(before === which));
      const likes = count(entry.comment.likes, "like");
      const dislikes = count(entry.comment.dislikes, "dislike");
      return { ...entry, reaction, comment: { ...entry.comment, likes, dislikes } };
    });
    this.#changed();
    return before;
  }

  /** Takes over what this viewer thought before; the totals count it already. */
  reacted(reactions: ReadonlyMap<string, Reaction>): void {
    for (const [id, reaction] of reactions) this.#change(id, (entry) => ({ ...entry, reaction }));
    this.#changed();
  }

  /** Puts an older page above what is shown; what no longer fits goes to what waits. */
  prepend(page: Page): void {
    const older = page.items
      .filter((comment) => !this.find(comment.id))
      .map((comment) => this.#entry(comment));
    this.#shown.unshift(...older.reverse());
    this.more = page.next !== null;
    if (this.#held && this.#shown.length > SHOWN_MAX) {
      this.#waiting.unshift(...this.#shown.splice(SHOWN_MAX));
      this.#trimWaiting();
    }
    for (const [at, entry] of this.#shown.entries()) {
      if (entry.kind !== "comment" || entry.parent || !entry.comment.replyTo) continue;
      const parent = older.find((one) => one.comment.id === entry.comment.replyTo);
      if (parent) this.#shown[at] = { ...entry, parent: parent.comment };
    }
    this.#changed();
  }

  /** Fills a gap from its older end with a page read `after` its `after`. */
  fill(gap: GapEntry, page: Page): void {
    const list = this.#shown.includes(gap) ? this.#shown : this.#waiting;
    const at = list.indexOf(gap);
    if (at < 0) return;
    const oldestFirst = [...page.items].reverse();
    const until = oldestFirst.findIndex((comment) => comment.id === gap.before || this.find(comment.id));
    const missed = until < 0 ? oldestFirst : oldestFirst.slice(0, until);
    const last = missed.at(-1);
    const done = until >= 0 || page.previous === null || !last;
    const rest: Entry[] = done ? [] : [this.#gap(last.id, gap.before)];
    list.splice(at, 1, ...missed.map((comment) => this.#entry(comment)), ...rest);
    this.#trimShown();
    this.#changed();
  }

  /** Freezes what is shown; what comes from now on waits. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.arrived = 0;
    this.#changed();
  }

  /** Takes in some of what waits: the reader has come to the end of what is shown. */
  advance(): void {
    const next = this.#waiting.splice(0, ADVANCE);
    this.#shown.push(...next);
    if (this.#waiting.length === 0) return this.release();
    this.#trimShown();
    this.#changed();
  }

  /** Shows the newest again. */
  release(): void {
    this.#held = false;
    this.arrived = 0;
    this.#skipped = 0;
    this.#shown.push(...this.#waiting.splice(0));
    this.#trimShown();
    this.#changed();
  }

  #arrive(comment: Comment): void {
    const known = this.find(comment.id);
    const parent = comment.replyTo ? this.find(comment.replyTo)?.comment : undefined;
    if (parent && !comment.held && (!known || known.comment.held)) {
      this.#edit(parent.id, { replies: parent.replies + 1 });
    }
    const mine = comment.author.id === this.#me;
    if (mine && this.#pending.length > 0 && !known) this.#withheld.set(comment.id, comment);
    else this.#add(comment);
  }

  /** Adds a comment, or brings the one that is there up to date. */
  #add(comment: Comment): void {
    if (this.find(comment.id)) {
      this.#change(comment.id, (entry) => {
        const { removedBy: _, ...rest } = entry;
        return { ...rest, comment, status: comment.held ? "held" : "shown" };
      });
      return;
    }
    this.#append(this.#entry(comment));
  }

  #entry(comment: Comment): CommentEntry {
    return {
      kind: "comment",
      key: this.#keys.get(comment.id) ?? comment.id,
      comment,
      status: comment.held ? "held" : "shown",
      reaction: "none",
      ...this.#parentOf(comment),
    };
  }

  #parentOf(comment: Comment): { parent?: Comment } {
    const parent = comment.replyTo ? this.find(comment.replyTo)?.comment : undefined;
    return parent ? { parent } : {};
  }

  #append(entry: Entry): void {
    if (this.#held) {
      this.#waiting.push(entry);
      if (entry.kind === "comment") this.arrived += 1;
      this.#trimWaiting();
    } else {
      this.#shown.push(entry);
      this.#trimShown();
    }
  }

  #trimShown(): void {
    if (this.#shown.length <= SHOWN_MAX) return;
    this.#shown.splice(0, this.#shown.length - SHOWN_MAX);
    this.more = true;
  }

  #trimWaiting(): void {
    const over = this.#waiting.length - WAITING_MAX;
    if (over <= 0) return;
    // One more, for the gap that takes their place.
    const gone = this.#waiting.splice(0, over + 1);
    this.#skipped += gone.filter((entry) => entry.kind === "comment").length;
    const last = this.#shown.findLast((entry) => entry.kind === "comment");
    const first = this.#waiting.find((entry) => entry.kind === "comment");
    if (last?.kind === "comment" && first?.kind === "comment") {
      this.#waiting.unshift(this.#gap(last.comment.id, first.comment.id, this.#skipped));
    }
  }

  #gap(after: string, before: string, missing?: number): GapEntry {
    this.#gaps += 1;
    const gap: GapEntry = { kind: "gap", key: `gap-${this.#gaps}`, after, before };
    return missing === undefined ? gap : { ...gap, missing };
  }

  #edit(id: string, fields: Partial<Comment>): void {
    this.#change(id, (entry) => ({ ...entry, comment: { ...entry.comment, ...fields } }));
    const withheld = this.#withheld.get(id);
    if (withheld) this.#withheld.set(id, { ...withheld, ...fields });
  }

  #change(id: string, change: (entry: CommentEntry) => CommentEntry): void {
    const old = this.find(id);
    if (!old) return;
    for (const list of [this.#shown, this.#waiting]) {
      const at = list.indexOf(old);
      if (at >= 0) list[at] = change(old);
    }
  }

  #forget(key: string): void {
    this.#shown = this.#shown.filter((entry) => entry.key !== key);
    this.#pending = this.#pending.filter((entry) => entry.key !== key);
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}
