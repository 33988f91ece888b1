/** What a stream's viewers see, as this library hands it out: whole comments, absolute times, camel case. */

export type Role = "anonymous" | "viewer" | "moderator" | "operator";

/** Who wrote a comment, as known when it was written. */
export interface Author {
  id: string;
  name: string;
  role: Role;
  /** Counted among the stream's members. */
  member: boolean;
}

export interface Comment {
  /** A UUID in its canonical text form. */
  id: string;
  author: Author;
  text: string;
  /** Milliseconds since 1970 when it was accepted. */
  atMs: number;
  /** Id of the comment it answers. */
  replyTo?: string;
  /** Handles it names with `@`; see {@link handleOf}. */
  mentions: readonly string[];
  edited: boolean;
  likes: number;
  dislikes: number;
  replies: number;
  /** Waits for review; only its author and moderators see it. */
  held: boolean;
  /** For moderators who read it over REST: what the chain of components decided, and why. */
  judgement?: Judgement;
}

export interface Judgement {
  action: "accept" | "flag" | "hold" | "shadow-ban" | "reject";
  /** The slot of the chain that decided; empty for `accept`. */
  slot: string;
  reason: string;
}

export interface Settings {
  /** Seconds a user waits between two comments; 0 is off. */
  slowModeS: number;
  membersOnly: boolean;
  emojiOnly: boolean;
  linksAllowed: boolean;
  /** Every comment waits for a moderator. */
  holdForReview: boolean;
  /** Nobody but moderators comments. */
  closed: boolean;
  /** Who is not signed in may read. */
  anonymousRead: boolean;
  blockedTerms: readonly string[];
}

export type Reaction = "like" | "dislike" | "none";
export type Review = "approve" | "remove";
export type Remover = "author" | "moderator" | "policy";

/**
 * Whether a join missed anything: `fresh` no position was given, `recovered` nothing is missing, `gap` something
 * is missing between the position and the history, `sampled` only what sampling left out is missing.
 */
export type Resumed = "fresh" | "recovered" | "gap" | "sampled";

/** One thing that happened on the stream, in the order of its log. */
export type StreamEvent =
  | { type: "comment"; comment: Comment }
  | { type: "edited"; id: string; text: string }
  | { type: "removed"; id: string; by: Remover }
  | { type: "reactions"; id: string; likes: number; dislikes: number }
  | { type: "emoji"; totals: ReadonlyMap<string, number> }
  | { type: "settings"; settings: Settings }
  | { type: "pinned"; comment: Comment | null }
  | { type: "viewers"; count: number };

/** Where a stream stands when this client joins it. */
export interface Joined {
  stream: string;
  /** Opaque; the client resumes from it by itself. */
  position: string;
  resumed: Resumed;
  settings: Settings;
  viewers: number;
  emoji: ReadonlyMap<string, number>;
  pinned: Comment | null;
  /** The newest comments, oldest first. */
  history: readonly Comment[];
  /** There are older ones. */
  more: boolean;
}

export interface Batch {
  stream: string;
  position: string;
  events: readonly StreamEvent[];
  /** Comments that sampling left out since the last batch. */
  leftOut: number;
}

export type NoticeKind = "banner" | "banner_ended" | "drain" | "expiring" | "mention";

export interface Notice {
  kind: NoticeKind;
  /** For people. */
  text: string;
  /** `drain`: reconnect within so many ms; `expiring`: ms left; `banner`: percent shown. */
  value: number;
  /** The stream it is about, where it is about one. */
  stream?: string;
  /** `mention`: the comment that names the user. */
  comment?: Comment;
}

/** An error of the protocol's error table. */
export interface Problem {
  number: number;
  title: string;
  /** Names the value and the remedy. */
  detail: string;
  /** When it makes sense to try again. */
  retryAfterMs?: number;
}

/** What became of a command. */
export type Outcome =
  | { status: "done" }
  /** In the log, under this id. */
  | { status: "accepted"; id: string }
  /** Waits for a moderator. */
  | { status: "held"; id: string }
  | { status: "rejected"; reason: string }
  | { status: "rate_limited"; retryAfterMs: number }
  | { status: "error"; problem: Problem }
  /** No answer came: it may or may not have been carried out. A comment may be sent again with its reference. */
  | { status: "lost"; reason: string };

/** A page of comments, newest first. */
export interface Page {
  items: readonly Comment[];
  /** Continues to older comments with `before`; null where there are none. */
  next: string | null;
  /** Continues to newer comments with `after`; null where there are none. */
  previous: string | null;
}

/** Which page of comments to read. */
export interface PageQuery {
  /** A comment's id; without one the page begins at the newest comment. */
  cursor?: string;
  direction?: "before" | "after";
  /** 1 to 200; 50 where it is left out. */
  pageSize?: number;
  /** `review` is the queue of held and flagged comments, for moderators. */
  of?: "all" | "review";
}

/** A stream as REST shows it. */
export interface StreamInfo {
  id: string;
  title: string;
  settings: Settings;
  viewers: number;
  emoji: ReadonlyMap<string, number>;
  pinned: Comment | null;
}

/** True for those who look after streams. */
export function moderates(role: Role | undefined): boolean {
  return role === "moderator" || role === "operator";
}

/** What others write after `@` to reach a user: letters, digits, `_`, `-` and `.` of the name, lower case. */
export function handleOf(name: string): string {
  return Array.from(name)
    .filter((c) => /[\p{Alphabetic}\p{N}_.-]/u.test(c))
    .join("")
    .toLowerCase();
}
