/** Makes whole comments, settings and events of what frames leave out or say only once. */

import type {
  Author,
  Batch,
  Comment,
  Joined,
  Notice,
  NoticeKind,
  Outcome,
  Problem,
  Settings,
  StreamEvent,
  StreamInfo,
} from "./model.ts";
import type {
  WireAuthor,
  WireBatch,
  WireComment,
  WireEvent,
  WireJoined,
  WireNotice,
  WireProblem,
  WireReply,
  WireSettings,
  WireStream,
} from "./wire.ts";

/** What a frame has said so far: the authors it has named. */
class Frame {
  readonly #authors = new Map<string, Author>();

  comment(wire: WireComment): Comment {
    const comment: Comment = {
      id: wire.id,
      author: this.#author(wire.author),
      text: wire.text,
      atMs: wire.at ?? idMs(wire.id),
      mentions: wire.mentions ?? [],
      edited: wire.edited ?? false,
      likes: wire.likes ?? 0,
      dislikes: wire.dislikes ?? 0,
      replies: wire.replies ?? 0,
      held: wire.held ?? false,
    };
    if (wire.reply_to) comment.replyTo = wire.reply_to;
    if (wire.judgement) comment.judgement = wire.judgement;
    return comment;
  }

  #author(wire: WireAuthor | string): Author {
    if (typeof wire === "string") {
      // A server never refers to an author that it has not named; one that does still gets its comment shown.
      return this.#authors.get(wire) ?? { id: wire, name: wire, role: "viewer", member: false };
    }
    const whole = author(wire);
    this.#authors.set(whole.id, whole);
    return whole;
  }
}

export function author(wire: WireAuthor): Author {
  return { id: wire.id, name: wire.name, role: wire.role ?? "viewer", member: wire.member ?? false };
}

/** When a comment's id was made, in milliseconds since 1970: the first 12 hex digits of a UUIDv7. */
function idMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** A comment that stands for itself: pinned, in a notice, or from REST. */
export function comment(wire: WireComment): Comment {
  return new Frame().comment(wire);
}

export function batch(wire: WireBatch): Batch {
  const frame = new Frame();
  const events: StreamEvent[] = [];
  for (const one of wire.events) {
    const known = event(frame, one);
    if (known) events.push(known);
  }
  return { stream: wire.stream, position: wire.position, events, leftOut: wire.left_out ?? 0 };
}

/** Nothing for a type that is not known: a newer server may say more than this client understands. */
function event(frame: Frame, wire: WireEvent): StreamEvent | undefined {
  switch (wire.type) {
    case "comment":
      return { type: "comment", comment: frame.comment(wire) };
    case "edited":
      return { type: "edited", id: wire.comment, text: wire.text };
    case "removed":
      return { type: "removed", id: wire.comment, by: wire.by };
    case "reactions":
      return { type: "reactions", id: wire.comment, likes: wire.likes, dislikes: wire.dislikes };
    case "emoji":
      return { type: "emoji", totals: new Map(Object.entries(wire.totals)) };
    case "settings":
      return { type: "settings", settings: settings(wire) };
    case "pinned":
      return { type: "pinned", comment: wire.comment ? comment(wire.comment) : null };
    case "viewers":
      return { type: "viewers", count: wire.count };
    default:
      return undefined;
  }
}

export function joined(wire: WireJoined): Joined {
  const frame = new Frame();
  return {
    stream: wire.stream,
    position: wire.position,
    resumed: wire.resumed,
    settings: settings(wire.settings),
    viewers: wire.viewers,
    emoji: new Map(Object.entries(wire.emoji)),
    pinned: wire.pinned ? comment(wire.pinned) : null,
    history: wire.history.map((one) => frame.comment(one)),
    more: wire.more,
  };
}

export function notice(wire: WireNotice): Notice {
  const whole: Notice = { kind: wire.kind as NoticeKind, text: wire.text, value: wire.value };
  if (wire.stream) whole.stream = wire.stream;
  if (wire.comment) whole.comment = comment(wire.comment);
  return whole;
}

export function stream(wire: WireStream): StreamInfo {
  return {
    id: wire.id,
    title: wire.title ?? "",
    settings: settings(wire.settings),
    viewers: wire.viewers,
    emoji: new Map(Object.entries(wire.emoji)),
    pinned: wire.pinned ? comment(wire.pinned) : null,
  };
}

/** What a reply says about any command but `authenticate` and `join`. */
export function outcome(wire: WireReply): Outcome {
  switch (wire.status) {
    case "accepted":
    case "held":
      return { status: wire.status, id: wire.comment };
    case "rejected":
      return { status: "rejected", reason: wire.reason };
    case "rate_limited":
      return { status: "rate_limited", retryAfterMs: wire.retry_after_ms };
    case "error":
      return { status: "error", problem: problem(wire) };
    default:
      return { status: "done" };
  }
}

export function problem(wire: WireProblem): Problem {
  const whole: Problem = { number: wire.number, title: wire.title, detail: wire.detail };
  if (wire.retry_after_ms !== undefined) whole.retryAfterMs = wire.retry_after_ms;
  return whole;
}

const SETTINGS: readonly (readonly [keyof Settings, keyof WireSettings])[] = [
  ["slowModeS", "slow_mode_s"],
  ["membersOnly", "members_only"],
  ["emojiOnly", "emoji_only"],
  ["linksAllowed", "links_allowed"],
  ["holdForReview", "hold_for_review"],
  ["closed", "closed"],
  ["anonymousRead", "anonymous_read"],
  ["blockedTerms", "blocked_terms"],
];

export function settings(wire: WireSettings): Settings {
  const pairs = SETTINGS.map(([ours, theirs]) => [ours, wire[theirs]] as const);
  return Object.fromEntries(pairs) as unknown as Settings;
}

/** The fields of a `settings` command; what the patch does not name is left out. */
export function settingsPatch(patch: Partial<Settings>): Partial<WireSettings> {
  const pairs = SETTINGS.filter(([ours]) => patch[ours] !== undefined);
  return Object.fromEntries(pairs.map(([ours, theirs]) => [theirs, patch[ours]])) as Partial<WireSettings>;
}
