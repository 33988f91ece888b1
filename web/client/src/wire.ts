/** Frames as they stand on the wire, the same in every subprotocol once its codec has read them. */

import type { Judgement, Remover, Resumed, Review, Role } from "./model.ts";

export interface WireAuthor {
  id: string;
  name: string;
  role?: Role;
  member?: boolean;
}

export interface WireComment {
  id: string;
  /** The bare id where this frame has named the author already. */
  author: WireAuthor | string;
  text: string;
  /** Milliseconds since 1970; missing where it is the time in the id. */
  at?: number;
  reply_to?: string;
  mentions?: string[];
  edited?: boolean;
  likes?: number;
  dislikes?: number;
  replies?: number;
  held?: boolean;
  /** Over REST, for moderators. */
  judgement?: Judgement;
}

export interface WireSettings {
  slow_mode_s: number;
  members_only: boolean;
  emoji_only: boolean;
  links_allowed: boolean;
  hold_for_review: boolean;
  closed: boolean;
  anonymous_read: boolean;
  blocked_terms: string[];
}

export type WireEvent =
  | ({ type: "comment" } & WireComment)
  | { type: "edited"; comment: string; text: string }
  | { type: "removed"; comment: string; by: Remover }
  | { type: "reactions"; comment: string; likes: number; dislikes: number }
  | { type: "emoji"; totals: Record<string, number> }
  | ({ type: "settings" } & WireSettings)
  | { type: "pinned"; comment: WireComment | null }
  | { type: "viewers"; count: number };

export interface WireProblem {
  number: number;
  title: string;
  detail: string;
  retry_after_ms?: number;
}

export interface WireJoined {
  stream: string;
  position: string;
  resumed: Resumed;
  settings: WireSettings;
  viewers: number;
  emoji: Record<string, number>;
  pinned?: WireComment | null;
  history: WireComment[];
  more: boolean;
}

export type WireReply = { type: "reply"; id: number } & (
  | { status: "done" }
  | { status: "authenticated"; user: WireAuthor; expires_at: number }
  | ({ status: "joined" } & WireJoined)
  | { status: "accepted" | "held"; comment: string }
  | { status: "rejected"; reason: string }
  | { status: "rate_limited"; retry_after_ms: number }
  | ({ status: "error" } & WireProblem)
);

export interface WireBatch {
  type: "batch";
  stream: string;
  position: string;
  events: WireEvent[];
  left_out?: number;
}

export interface WireNotice {
  type: "notice";
  kind: string;
  text: string;
  value: number;
  stream?: string;
  comment?: WireComment;
}

export type ServerFrame = WireReply | WireBatch | WireNotice;

/** What a client may ask for; each is sent with an `id` that the reply carries back. */
export type Command =
  | { type: "authenticate"; token: string }
  | { type: "refresh"; token: string }
  | { type: "join"; stream: string; position?: string; history?: number }
  | { type: "leave" }
  | { type: "comment"; text: string; reply_to?: string; reference?: string }
  | { type: "edit"; comment: string; text: string }
  | { type: "delete"; comment: string }
  | { type: "react"; comment: string; reaction: "like" | "dislike" | "none" }
  | { type: "emoji"; emoji: string; count?: number }
  | { type: "pin"; comment: string | null }
  | ({ type: "settings" } & Partial<WireSettings>)
  | { type: "moderate"; comment: string; review: Review };

export type ClientFrame = Command & { id: number };

/** `GET /v1/streams/{stream}` */
export interface WireStream {
  id: string;
  title?: string;
  settings: WireSettings;
  viewers: number;
  emoji: Record<string, number>;
  pinned?: WireComment | null;
}

/** `GET .../reactions`: a user's own. */
export interface WireReactions {
  items: { comment: string; reaction: "like" | "dislike" }[];
}

/** `GET .../comments`, `.../replies` */
export interface WirePage {
  items: WireComment[];
  next: string | null;
  previous: string | null;
}
