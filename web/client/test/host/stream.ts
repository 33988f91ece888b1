/** A stream of the fake host: its log, and its comments as they stand. */

import { randomBytes } from "node:crypto";
import type { WireAuthor, WireBatch, WireComment, WireEvent, WireSettings } from "@ringside/client";

export interface Person extends WireAuthor {
  role: "viewer" | "moderator" | "operator";
  member: boolean;
}

/** Comments here always name their author in full and give their time; frames leave that out. */
export interface FullComment extends WireComment {
  author: WireAuthor;
  at: number;
}

export const OPEN: WireSettings = {
  slow_mode_s: 0,
  members_only: false,
  emoji_only: false,
  links_allowed: true,
  hold_for_review: false,
  closed: false,
  anonymous_read: true,
  blocked_terms: [],
};

let lastIdMs = 0;

/** A UUIDv7; monotonic, as those of a host are. */
export function commentId(): string {
  lastIdMs = Math.max(lastIdMs + 1, Date.now());
  const hex = lastIdMs.toString(16).padStart(12, "0") + randomBytes(10).toString("hex");
  const fixed = `${hex.slice(0, 12)}7${hex.slice(13, 16)}8${hex.slice(17)}`;
  return fixed.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The time in an id. */
function idMs(id: string): number {
  return Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
}

export class FakeStream {
  readonly id: string;
  settings: WireSettings = { ...OPEN };
  viewers = 1;
  readonly emoji = new Map<string, number>();
  pinned: FullComment | null = null;
  /** Oldest first. */
  comments: FullComment[] = [];
  /** By author and reference. */
  readonly references = new Map<string, FullComment>();
  readonly #reactions = new Map<string, Map<string, string>>();
  readonly #log: WireEvent[] = [];

  constructor(id: string) {
    this.id = id;
  }

  get position(): string {
    return `e1:${this.#log.length}`;
  }

  append(...events: WireEvent[]): void {
    this.#log.push(...events);
  }

  /** The events after a position; nothing where this stream never gave it. */
  since(position: string): WireEvent[] | undefined {
    const [, offset] = /^e1:(\d+)$/.exec(position) ?? [];
    return offset === undefined ? undefined : this.#log.slice(Number(offset));
  }

  find(id: string): FullComment | undefined {
    return this.comments.find((comment) => comment.id === id);
  }

  comment(author: WireAuthor, text: string, more: Partial<FullComment> = {}): FullComment {
    const mentions = [...text.matchAll(/(?<![\w.-])@([\w.-]+)/g)].map(([, name = ""]) => name.toLowerCase());
    const id = commentId();
    const comment: FullComment = { id, author, text, at: idMs(id), ...more };
    if (mentions.length > 0) comment.mentions = mentions;
    this.comments.push(comment);
    const parent = comment.reply_to ? this.find(comment.reply_to) : undefined;
    if (parent) parent.replies = (parent.replies ?? 0) + 1;
    return comment;
  }

  react(id: string, user: string, reaction: string): WireEvent {
    const all = this.#reactions.get(id) ?? new Map<string, string>();
    this.#reactions.set(id, all);
    all.set(user, reaction);
    const count = (which: string) => [...all.values()].filter((one) => one === which).length;
    const totals = { likes: count("like"), dislikes: count("dislike") };
    const comment = this.find(id);
    if (comment) Object.assign(comment, totals);
    return { type: "reactions", comment: id, ...totals };
  }

  reactionsOf(user: string, ids: readonly string[]) {
    return ids.flatMap((comment) => {
      const reaction = this.#reactions.get(comment)?.get(user) ?? "none";
      return reaction === "none" ? [] : [{ comment, reaction }];
    });
  }

  page(cursor: string | null, direction: string, size: number, only = (_: FullComment) => true) {
    const all = this.comments.filter(only);
    const at = cursor === null ? all.length : all.findIndex((comment) => comment.id === cursor);
    const [from, to] =
      direction === "after" ? [at + 1, Math.min(at + 1 + size, all.length)] : [Math.max(0, at - size), at];
    const items = all.slice(from, to).reverse();
    return {
      items,
      next: from > 0 ? (items.at(-1)?.id ?? null) : null,
      previous: to < all.length ? (items[0]?.id ?? null) : null,
    };
  }
}

/** Leaves out of a list what its comments' ids or the comments before have said, as a host's codec does. */
export class ListWriter {
  readonly #named = new Set<string>();

  comment(comment: FullComment): WireComment {
    const { author, at, ...rest } = comment;
    const said = this.#named.has(author.id);
    this.#named.add(author.id);
    return { ...rest, author: said ? author.id : author, ...(at === idMs(comment.id) ? {} : { at }) };
  }
}

/** A comment that stands for itself: its author is in full. */
export function alone(comment: FullComment): WireComment {
  return new ListWriter().comment(comment);
}

export function batchOf(stream: FakeStream, events: WireEvent[], leftOut = 0): WireBatch {
  const list = new ListWriter();
  const batch: WireBatch = {
    type: "batch",
    stream: stream.id,
    position: stream.position,
    events: events.map((event) => {
      if (event.type === "comment") {
        return { type: "comment", ...list.comment(event as { type: "comment" } & FullComment) };
      }
      if (event.type === "pinned" && event.comment) {
        return { type: "pinned", comment: alone(event.comment as FullComment) };
      }
      return event;
    }),
  };
  if (leftOut > 0) batch.left_out = leftOut;
  return batch;
}
