/** A link over WebSocket. */

import { adviceFor, reasonFor } from "./closing.ts";
import type { Codec } from "./codec.ts";
import * as expand from "./expand.ts";
import { endFor, type Link, type LinkEnd, type LinkListener, type LinkOptions } from "./link.ts";
import type { Outcome } from "./model.ts";
import { Pace } from "./pace.ts";
import type { Timing } from "./timing.ts";
import type { Command, ServerFrame, WireReply } from "./wire.ts";

/** The part of the browsers' `WebSocket` that is used; in Node the one of the package `ws` will do. */
export interface WebSocketLike {
  binaryType: string;
  readonly protocol: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export type WebSocketConstructor = new (url: string, subprotocols: string[]) => WebSocketLike;

export interface SocketOptions extends LinkOptions {
  url: string;
  codecs: readonly Codec[];
  webSocket: WebSocketConstructor;
  timing: Timing;
}

type Answer = (reply: WireReply | undefined) => void;

export class SocketLink implements Link {
  readonly transport = "websocket";
  /** The subprotocol that the host chose. */
  codec: Codec | undefined;
  readonly #socket: WebSocketLike;
  readonly #options: SocketOptions;
  readonly #listener: LinkListener;
  readonly #waiting = new Map<number, { answer: Answer; timer: ReturnType<typeof setTimeout> }>();
  readonly #pace = new Pace();
  readonly #joinTimer: ReturnType<typeof setTimeout>;
  #nextId = 1;
  #ended = false;
  #joined = false;

  constructor(options: SocketOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
    this.#joinTimer = setTimeout(
      () => this.#fail(1006, "the host did not answer in time"),
      options.timing.joinMs,
    );
    const names = options.codecs.map((codec) => codec.subprotocol);
    this.#socket = new options.webSocket(options.url, names);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#open();
    this.#socket.onmessage = (event: { data: string | ArrayBuffer }) => this.#receive(event.data);
    this.#socket.onclose = (event: { code: number; reason: string }) =>
      this.#closed(event.code, event.reason);
    // What went wrong follows in `onclose`.
    this.#socket.onerror = () => {};
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  waitMs(): number {
    return this.#pace.waitMs(Date.now());
  }

  async send(command: Command): Promise<Outcome> {
    const reply = await new Promise<WireReply | undefined>((answer) => this.#ask(command, answer));
    return reply ? expand.outcome(reply) : { status: "lost", reason: "the connection was lost" };
  }

  close(): void {
    if (this.#ended) return;
    this.#finish();
    this.#socket.close(1000, "bye");
  }

  #ask(command: Command, answer: Answer): void {
    if (this.#ended || !this.codec) return answer(undefined);
    const id = this.#nextId;
    this.#nextId += 1;
    const timer = setTimeout(
      () => this.#fail(1006, "the host stopped answering"),
      this.#options.timing.answerMs,
    );
    this.#waiting.set(id, { answer, timer });
    this.#pace.count(Date.now());
    this.#socket.send(this.codec.encode({ ...command, id }));
  }

  #open(): void {
    const { codecs, token } = this.#options;
    this.codec = codecs.find((codec) => codec.subprotocol === this.#socket.protocol);
    if (!this.codec) return this.#fail(4003, "the host speaks no subprotocol that was offered");
    if (token === undefined) return this.#join();
    this.#ask({ type: "authenticate", token }, (reply) => {
      if (reply?.status === "authenticated") {
        this.#listener.signedIn(expand.author(reply.user));
        this.#join();
      } else this.#refused(reply);
    });
  }

  #join(): void {
    const { stream, position, history } = this.#options;
    const join: Command = { type: "join", stream, history };
    if (position !== undefined) join.position = position;
    this.#ask(join, (reply) => {
      if (reply?.status !== "joined") return this.#refused(reply);
      clearTimeout(this.#joinTimer);
      this.#joined = true;
      this.#listener.joined(expand.joined(reply));
    });
  }

  /** `authenticate` or `join` was answered with something else; no answer is told of by `#closed`. */
  #refused(reply: WireReply | undefined): void {
    if (reply?.status === "error") this.#end(endFor(expand.problem(reply)));
    else if (reply?.status === "rate_limited") this.#fail(1006, "too fast");
    else if (reply) this.#fail(1002, `the host answered \`${reply.status}\``);
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#ended || !this.codec) return;
    let frame: ServerFrame;
    try {
      frame = this.codec.decode(data);
    } catch {
      return this.#fail(1007, "a frame could not be read");
    }
    switch (frame.type) {
      case "reply": {
        const waiting = this.#waiting.get(frame.id);
        if (!waiting) return;
        this.#waiting.delete(frame.id);
        clearTimeout(waiting.timer);
        return waiting.answer(frame);
      }
      case "batch":
        // A batch before the answer to `join` belongs to no state that it could change.
        return this.#joined ? this.#listener.batch(expand.batch(frame)) : undefined;
      case "notice":
        return this.#listener.notice(expand.notice(frame));
    }
  }

  #closed(code: number, said: string): void {
    this.#end({
      advice: adviceFor(code),
      code,
      reason: reasonFor(code, said),
      reached: this.codec !== undefined,
    });
  }

  /** Ends the link from this side. */
  #fail(code: number, reason: string): void {
    this.#end({ advice: adviceFor(code), code, reason, reached: this.codec !== undefined });
  }

  #end(end: LinkEnd): void {
    if (this.#ended) return;
    this.#finish();
    this.#socket.close(1000);
    this.#listener.ended(end);
  }

  #finish(): void {
    this.#ended = true;
    clearTimeout(this.#joinTimer);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { answer, timer } of waiting) {
      clearTimeout(timer);
      answer(undefined);
    }
  }
}
