/**
 * A host to test clients against: speaks the protocol over WebSocket, REST and server-sent events, keeps all in
 * memory, and misbehaves on demand. It checks no rights and judges nothing but the word `badword`.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Command, WireEvent, WireNotice } from "@ringside/client";
import { WebSocketServer } from "ws";
import { serveRest } from "./rest.ts";
import { Session } from "./session.ts";
import { alone, batchOf, FakeStream, type FullComment, ListWriter, type Person } from "./stream.ts";

/** A reply without its id. */
export type Answer = { status: string; [field: string]: unknown };

export class FakeHost {
  readonly sessions: Session[] = [];
  /** Answers to posts of a comment: how long until the next one is taken, by user. */
  readonly limitedUntilMs = new Map<string, number>();
  /** Sends the batch with a comment before the reply that accepts it. */
  batchFirst = false;
  /** Takes commands, and answers none. */
  silent = false;
  /** Knows no positions. */
  forgetful = false;
  /** Refuses WebSockets. */
  socketsBlocked = false;
  /** Serves files: gives a body and its type for a path. */
  files: ((path: string) => { body: Buffer; type: string } | undefined) | undefined;
  readonly eventStreams = new Set<{
    stream: FakeStream;
    response: ServerResponse;
    user: Person | undefined;
  }>();
  readonly #streams = new Map<string, FakeStream>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #queue: { stream: FakeStream; events: WireEvent[] }[] = [];
  #port = 0;

  constructor() {
    const offered = ["ringside.v1.msgpack", "ringside.v1.json"];
    const upgrades = new WebSocketServer({
      noServer: true,
      handleProtocols: (asked) => offered.find((name) => asked.has(name)) ?? false,
    });
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => {
      if (this.socketsBlocked) return socket.destroy();
      upgrades.handleUpgrade(request, socket, head, (webSocket) => {
        this.sessions.push(new Session(this, webSocket));
      });
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, after a stop on the same port as before. */
  async start(port = this.#port): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(port, "127.0.0.1", done));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Stops as a killed process does. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  stream(id = "demo"): FakeStream {
    const stream = this.#streams.get(id) ?? new FakeStream(id);
    this.#streams.set(id, stream);
    return stream;
  }

  /** The sessions that are open. */
  get open(): Session[] {
    return this.sessions.filter((session) => session.socket.readyState === session.socket.OPEN);
  }

  token(user: Partial<Person> & { name: string }): string {
    const claims = { sub: user.id ?? user.name.toLowerCase(), role: "viewer", member: false, ...user };
    return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.fake`;
  }

  userOf(token: string): Person | undefined {
    try {
      const { sub, name, role, member } = JSON.parse(
        Buffer.from(token.split(".")[1] ?? "", "base64url").toString(),
      );
      return sub ? { id: sub, name, role, member } : undefined;
    } catch {
      return undefined;
    }
  }

  visibleTo(user: Person | undefined): (comment: FullComment) => boolean {
    return (comment) => !comment.held || user?.role === "moderator" || user?.id === comment.author.id;
  }

  /** A comment by someone else. */
  say(name: string, text: string, more: Partial<FullComment> = {}, stream = this.stream()): FullComment {
    const author = { id: name.toLowerCase(), name };
    const comment = stream.comment(author, text, more);
    this.publish(stream, { type: "comment", ...comment });
    this.flush();
    return comment;
  }

  /** Appends events to the log; `flush` sends them. */
  publish(stream: FakeStream, ...events: WireEvent[]): void {
    stream.append(...events);
    this.#queue.push({ stream, events });
  }

  flush(leftOut = 0): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { stream, events } of queue) {
      for (const session of this.open) {
        if (session.stream !== stream) continue;
        const seen = visible(events, this.visibleTo(session.user));
        if (seen.length > 0) session.send(batchOf(stream, seen, leftOut));
      }
      for (const { stream: watched, response, user } of this.eventStreams) {
        if (watched !== stream) continue;
        const batch = batchOf(stream, visible(events, this.visibleTo(user)), leftOut);
        response.write(`id: ${batch.position}\nevent: batch\ndata: ${JSON.stringify(batch)}\n\n`);
      }
    }
  }

  notice(kind: string, text: string, value = 0, more: Partial<WireNotice> = {}): void {
    for (const session of this.open) session.send({ type: "notice", kind, text, value, ...more });
  }

  close(code: number, reason = ""): void {
    for (const session of this.open) session.socket.close(code, reason);
  }

  /** The answer to a join, and the events that follow it. */
  join(
    stream: FakeStream,
    user: Person | undefined,
    { position, history = 50 }: { position?: string; history?: number },
  ): Answer & { position: string; replay: WireEvent[] } {
    const missed = position === undefined || this.forgetful ? undefined : stream.since(position);
    const resumed = position === undefined ? "fresh" : missed ? "recovered" : "gap";
    const page = stream.page(null, "before", history, this.visibleTo(user));
    const comments = missed ? [] : [...page.items].reverse();
    const list = new ListWriter();
    return {
      status: "joined",
      stream: stream.id,
      position: missed && position !== undefined ? position : stream.position,
      resumed,
      settings: stream.settings,
      viewers: stream.viewers,
      emoji: Object.fromEntries(stream.emoji),
      ...(stream.pinned ? { pinned: alone(stream.pinned) } : {}),
      history: comments.map((comment) => list.comment(comment)),
      more: page.next !== null,
      replay: missed ?? [],
    };
  }

  /** Does what a command says; gives the reply without its id. */
  carryOut(stream: FakeStream, user: Person | undefined, command: Command): Answer {
    if (!user) return { status: "error", number: 101, title: "sign-in needed", detail: "send a token" };
    switch (command.type) {
      case "comment":
        return this.#comment(stream, user, command);
      case "edit": {
        const comment = stream.find(command.comment);
        if (comment) Object.assign(comment, { text: command.text, edited: true });
        this.publish(stream, { type: "edited", comment: command.comment, text: command.text });
        return { status: "accepted", comment: command.comment };
      }
      case "delete":
        return this.#remove(stream, command.comment, user);
      case "moderate": {
        if (command.review === "remove") return this.#remove(stream, command.comment, user);
        const comment = stream.find(command.comment);
        if (comment) {
          delete comment.held;
          this.publish(stream, { type: "comment", ...comment });
        }
        return { status: "done" };
      }
      case "react":
        this.publish(stream, stream.react(command.comment, user.id, command.reaction));
        return { status: "done" };
      case "emoji":
        stream.emoji.set(command.emoji, (stream.emoji.get(command.emoji) ?? 0) + (command.count ?? 1));
        this.publish(stream, { type: "emoji", totals: Object.fromEntries(stream.emoji) });
        return { status: "done" };
      case "pin":
        stream.pinned = command.comment === null ? null : (stream.find(command.comment) ?? null);
        this.publish(stream, { type: "pinned", comment: stream.pinned });
        return { status: "done" };
      case "settings": {
        const { type: _, id: __, ...patch } = command as typeof command & { id?: number };
        stream.settings = { ...stream.settings, ...patch };
        this.publish(stream, { type: "settings", ...stream.settings });
        return { status: "done" };
      }
      default:
        return { status: "error", number: 200, title: "cannot be read", detail: command.type };
    }
  }

  #comment(stream: FakeStream, user: Person, command: Command & { type: "comment" }): Answer {
    const reference = `${user.id} ${command.reference}`;
    const known = stream.references.get(reference);
    if (known) return { status: "accepted", comment: known.id };
    const retry_after_ms = (this.limitedUntilMs.get(user.id) ?? 0) - Date.now();
    if (retry_after_ms > 0) return { status: "rate_limited", retry_after_ms };
    if (/badword/i.test(command.text)) {
      return { status: "rejected", reason: "This word is not allowed here." };
    }
    const held = stream.settings.hold_for_review && user.role === "viewer";
    const more: Partial<FullComment> = held ? { held } : {};
    if (command.reply_to) more.reply_to = command.reply_to;
    const comment = stream.comment(user, command.text, more);
    if (command.reference) stream.references.set(reference, comment);
    this.publish(stream, { type: "comment", ...comment });
    if (this.batchFirst) this.flush();
    return { status: held ? "held" : "accepted", comment: comment.id };
  }

  #remove(stream: FakeStream, id: string, user: Person): Answer {
    const comment = stream.find(id);
    if (comment) {
      stream.comments = stream.comments.filter((one) => one !== comment);
      const by = comment.author.id === user.id ? "author" : "moderator";
      this.publish(stream, { type: "removed", comment: id, by });
    }
    return { status: "done" };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await serveRest(this, request, response)) return;
    const file = this.files?.(new URL(request.url ?? "/", this.url).pathname);
    response.writeHead(file ? 200 : 404, { "content-type": file?.type ?? "text/plain" });
    response.end(file?.body ?? "not found");
  }
}

function visible(events: WireEvent[], seen: (comment: FullComment) => boolean): WireEvent[] {
  return events.filter((event) => event.type !== "comment" || seen(event as unknown as FullComment));
}
