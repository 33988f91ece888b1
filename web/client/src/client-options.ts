/** What a client is given, and what it tells. */

import type { Codec } from "./codec.ts";
import type { LinkEnd, Transport } from "./link.ts";
import type { Author, Batch, Joined, Notice } from "./model.ts";
import type { WebSocketConstructor } from "./socket-link.ts";
import type { Timing } from "./timing.ts";

/** A token, or where to get one: asked again when the last one ended or was refused. */
export type TokenSource = string | (() => Promise<string | undefined>);

export interface ClientOptions {
  /** The host, such as `https://eu1.chat.example`. */
  url: string;
  stream: string;
  /** Left out, the client reads as anonymous. */
  token?: TokenSource;
  /** How many of the newest comments to ask for when joining, 0 to 200; 50 where it is left out. */
  history?: number;
  /** In order of preference. */
  codecs?: readonly Codec[];
  /** For Node below 22, that of the package `ws`. */
  webSocket?: WebSocketConstructor;
  fetch?: typeof fetch;
  timing?: Partial<Timing>;
  random?: () => number;
}

export type State =
  | { phase: "idle" }
  | { phase: "connecting" }
  | { phase: "live"; transport: Transport }
  /** Tries again at `retryAtMs` (since 1970). */
  | { phase: "waiting"; retryAtMs: number; reason: string }
  /** Does not come back by itself; `connect` tries again. */
  | { phase: "stopped"; end: LinkEnd };

export interface ClientEvents {
  state: State;
  /** Who the host takes this client for. */
  user: Author | undefined;
  /** Joined, for the first time or again. */
  joined: Joined;
  /** Events in the log's order, each comment once. */
  batch: Batch;
  notice: Notice;
}
