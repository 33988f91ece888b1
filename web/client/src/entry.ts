/** What stands in a timeline: comments, and gaps where some are missing. */

import type { Comment, Reaction, Remover } from "./model.ts";

export type Status = "shown" | "pending" | "held" | "rejected" | "failed";

export interface CommentEntry {
  readonly kind: "comment";
  /** Stays the same when a pending comment becomes a real one. */
  readonly key: string;
  readonly comment: Comment;
  readonly status: Status;
  /** Why it was rejected or failed. */
  readonly reason?: string;
  /** The client's own name for a comment that it sent. */
  readonly reference?: string;
  readonly removedBy?: Remover;
  /** What this viewer thinks of it. */
  readonly reaction: Reaction;
  /** The comment it answers, where it is known. */
  readonly parent?: Comment;
}

/** Something is missing here. */
export interface GapEntry {
  readonly kind: "gap";
  readonly key: string;
  /** The last comment before the gap and the first after it. */
  readonly after: string;
  readonly before: string;
  /** How many are missing, where it is known. */
  readonly missing?: number;
}

export type Entry = CommentEntry | GapEntry;
