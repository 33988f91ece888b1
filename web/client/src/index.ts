/** Live comments of a Ringside stream, for browsers and Node. Begin with {@link Client}. */

export { Client } from "./client.ts";
export type { ClientEvents, ClientOptions, State, TokenSource } from "./client-options.ts";
export { type Advice, adviceFor, reasonFor } from "./closing.ts";
export { type Codec, idToBytes, idToText, json, msgpack } from "./codec.ts";
export { Emitter } from "./emitter.ts";
export type { CommentEntry, Entry, GapEntry, Status } from "./entry.ts";
export * from "./limits.ts";
export type { LinkEnd, Transport } from "./link.ts";
export * from "./model.ts";
export { RequestError, Rest } from "./rest.ts";
export type { WebSocketConstructor, WebSocketLike } from "./socket-link.ts";
export { userOf } from "./sse-link.ts";
export { type Sampling, StreamView } from "./stream-view.ts";
export {
  SHOWN_MAX,
  Timeline,
  WAITING_MAX,
} from "./timeline.ts";
export { backoff, TIMING, type Timing } from "./timing.ts";
export type * from "./wire.ts";
