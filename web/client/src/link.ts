/** One attachment to a host, over whichever transport: it joins the stream once, and ends once. */

import type { Advice } from "./closing.ts";
import type { Author, Batch, Joined, Notice, Outcome, Problem } from "./model.ts";
import type { Command } from "./wire.ts";

export type Transport = "websocket" | "sse";

/** Why a link ended, or never came to be. */
export interface LinkEnd {
  advice: Advice;
  /** The close code; 0 where there is none. */
  code: number;
  /** For a person. */
  reason: string;
  /** The transport worked: a host answered. */
  reached: boolean;
  problem?: Problem;
}

/** Told of everything in the order in which it comes; never called again after `ended`. */
export interface LinkListener {
  signedIn(user: Author): void;
  joined(joined: Joined): void;
  batch(batch: Batch): void;
  notice(notice: Notice): void;
  ended(end: LinkEnd): void;
}

export interface Link {
  readonly transport: Transport;
  /** Commands that wait for their answer. */
  readonly inFlight: number;
  /** Milliseconds until one more command may be sent; 0 when it may now. */
  waitMs(): number;
  /** Carries a command out; `lost` when the link ends before the answer. */
  send(command: Command): Promise<Outcome>;
  /** Ends the link without telling its listener. */
  close(): void;
}

/** What a link needs to begin. */
export interface LinkOptions {
  stream: string;
  /** Resume right after it. */
  position?: string;
  /** How many of the newest comments to ask for. */
  history: number;
  token?: string;
}

/** What the error of an `authenticate` or `join` asks of the client. */
export function endFor(problem: Problem): LinkEnd {
  const advice = problem.number >= 300 ? "return" : problem.number <= 102 ? "renew_token" : "stop";
  return { advice, code: 0, reason: problem.detail || problem.title, reached: true, problem };
}
