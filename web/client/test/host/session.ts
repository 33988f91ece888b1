/** One WebSocket of the fake host. */

import { decode, encode } from "@msgpack/msgpack";
import {
  type ClientFrame,
  idToBytes,
  idToText,
  type ServerFrame,
  type WireEvent,
  type WireReply,
} from "@ringside/client";
import type { WebSocket } from "ws";
import type { FakeHost } from "./host.ts";
import { batchOf, type FakeStream, type Person } from "./stream.ts";

type Answer = WireReply extends infer R ? (R extends WireReply ? Omit<R, "type" | "id"> : never) : never;

export class Session {
  user: Person | undefined;
  stream: FakeStream | undefined;
  /** Every frame that came, as JSON would have it. */
  readonly received: ClientFrame[] = [];
  readonly socket: WebSocket;
  readonly #host: FakeHost;
  #replay: WireEvent[] = [];

  constructor(host: FakeHost, socket: WebSocket) {
    this.#host = host;
    this.socket = socket;
    socket.on("message", (data: Buffer) => this.#receive(data));
  }

  send(frame: ServerFrame): void {
    const text = this.socket.protocol === "ringside.v1.json";
    this.socket.send(text ? JSON.stringify(frame) : encode(idsToBytes(frame)));
  }

  #receive(data: Buffer): void {
    const text = this.socket.protocol === "ringside.v1.json";
    const frame = (text ? JSON.parse(data.toString()) : idsToTexts(decode(data))) as ClientFrame;
    this.received.push(frame);
    if (this.#host.silent) return;
    const answer = this.#answer(frame);
    if (answer) this.send({ type: "reply", id: frame.id, ...answer } as WireReply);
    if (this.stream && this.#replay.length > 0) this.send(batchOf(this.stream, this.#replay.splice(0)));
    this.#host.flush();
  }

  #answer(frame: ClientFrame): Answer | undefined {
    switch (frame.type) {
      case "authenticate":
      case "refresh": {
        const user = this.#host.userOf(frame.token);
        if (!user) {
          setTimeout(() => this.socket.close(4502, "invalid token"), 5);
          return { status: "error", number: 102, title: "invalid token", detail: "the token is damaged" };
        }
        this.user = user;
        return { status: "authenticated", user, expires_at: Date.now() + 3_600_000 };
      }
      case "join": {
        this.stream = this.#host.stream(frame.stream);
        const { replay, ...answer } = this.#host.join(this.stream, this.user, frame);
        this.#replay = replay;
        return answer as unknown as Answer;
      }
      case "leave":
        this.stream = undefined;
        return { status: "done" };
      default:
        if (!this.stream) return { status: "error", number: 203, title: "join a stream first", detail: "" };
        return this.#host.carryOut(this.stream, this.user, frame) as Answer;
    }
  }
}

/** Comment ids are the only UUIDs in a frame. */
function idsToBytes(value: unknown): unknown {
  if (typeof value === "string") return (value.length === 36 && idToBytes(value)) || value;
  if (Array.isArray(value)) return value.map(idsToBytes);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, idsToBytes(field)]));
  }
  return value;
}

function idsToTexts(value: unknown): unknown {
  return Object.fromEntries(
    Object.entries(value as object).map(([name, field]) => [
      name,
      field instanceof Uint8Array ? idToText(field) : field,
    ]),
  );
}
