/**
 * A viewer of one stream: connects, resumes after every break without missing anything or telling it twice,
 * moves to another connection when a host asks for it, and falls back to server-sent events.
 */

import type { ClientEvents, ClientOptions, State } from "./client-options.ts";
import { type Codec, json, msgpack } from "./codec.ts";
import { Emitter } from "./emitter.ts";
import { EmojiTaps } from "./emoji-taps.ts";
import * as expand from "./expand.ts";
import type { Link, LinkEnd, LinkListener, LinkOptions } from "./link.ts";
import type { Author, Batch, Joined, Notice, Outcome, Reaction, Review, Settings } from "./model.ts";
import { Outbox } from "./outbox.ts";
import { newReference } from "./reference.ts";
import { Rest } from "./rest.ts";
import { Seen } from "./seen.ts";
import { SocketLink } from "./socket-link.ts";
import { SseLink } from "./sse-link.ts";
import { backoff, TIMING, type Timing } from "./timing.ts";
import type { Command } from "./wire.ts";

/** So many sockets in a row that never reached a host mean that WebSocket is blocked, or that the host is down. */
const SOCKETS_BEFORE_SSE = 3;
const HISTORY = 50;

export class Client extends Emitter<ClientEvents> {
  /** Pages of comments, and single ones. */
  readonly rest: Rest;
  readonly #options: ClientOptions;
  readonly #timing: Timing;
  readonly #outbox: Outbox;
  readonly #taps: EmojiTaps;
  readonly #seen = new Seen();
  /** Subprotocols that this host has withdrawn. */
  readonly #withdrawn = new Set<string>();
  #state: State = { phase: "idle" };
  #user: Author | undefined;
  #token: string | undefined;
  /** The token was refused, and a new one has not been accepted since. */
  #renewing = false;
  #position: string | undefined;
  /** The link that is joined. */
  #link: Link | undefined;
  /** The link that is about to join. */
  #next: Link | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #unreached = 0;
  #liveSinceMs = 0;
  /** Grows when all that is under way becomes void. */
  #era = 0;

  constructor(options: ClientOptions) {
    super();
    this.#options = { ...options, url: options.url.replace(/\/+$/, "") };
    this.#timing = { ...TIMING, ...options.timing };
    this.#outbox = new Outbox(this.#timing.commandMs);
    this.#taps = new EmojiTaps(this.#timing, (emoji, count) =>
      this.#command({ type: "emoji", emoji, count }),
    );
    this.rest = new Rest({
      url: this.#options.url,
      stream: options.stream,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      token: () => this.#token,
    });
  }

  get state(): State {
    return this.#state;
  }

  get user(): Author | undefined {
    return this.#user;
  }

  get stream(): string {
    return this.#options.stream;
  }

  /** Connects; after a stop or `close` it connects anew. */
  connect(): void {
    if (this.#state.phase !== "idle" && this.#state.phase !== "stopped") return;
    this.#renewing = false;
    this.#attempt = 0;
    void this.#open();
  }

  /** Ends everything; commands without an answer are `lost`. */
  close(): void {
    this.#reset();
    this.#outbox.clear("the client was closed");
    this.#become({ phase: "idle" });
  }

  /** Stops waiting and connects at once, for when a network or a person came back. */
  wake(): void {
    if (this.#state.phase !== "waiting") return;
    clearTimeout(this.#timer);
    void this.#open();
  }

  /** Goes over to a new connection within `withinMs`, without a gap; the old one serves until then. */
  move(withinMs = 0): void {
    if (this.#state.phase !== "live" || this.#next) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#open(), this.#random() * withinMs);
  }

  /** Posts a comment. The same reference again gives the same comment, so that it can be sent again. */
  comment(text: string, options: { replyTo?: string; reference?: string } = {}): Promise<Outcome> {
    const command: Command = { type: "comment", text, reference: options.reference ?? newReference() };
    if (options.replyTo !== undefined) command.reply_to = options.replyTo;
    return this.#command(command);
  }

  edit(id: string, text: string): Promise<Outcome> {
    return this.#command({ type: "edit", comment: id, text });
  }

  /** Takes a comment away: one's own, or as a moderator anyone's. */
  delete(id: string): Promise<Outcome> {
    return this.#command({ type: "delete", comment: id });
  }

  react(id: string, reaction: Reaction): Promise<Outcome> {
    return this.#command({ type: "react", comment: id, reaction });
  }

  /** Taps an emoji. Taps are gathered and sent as a number; what is too much is dropped. */
  emoji(emoji: string, count = 1): void {
    this.#taps.tap(emoji, count);
  }

  pin(id: string | null): Promise<Outcome> {
    return this.#command({ type: "pin", comment: id });
  }

  changeSettings(patch: Partial<Settings>): Promise<Outcome> {
    return this.#command({ type: "settings", ...expand.settingsPatch(patch) });
  }

  moderate(id: string, review: Review): Promise<Outcome> {
    return this.#command({ type: "moderate", comment: id, review });
  }

  #command(command: Command): Promise<Outcome> {
    if (this.#state.phase === "idle" || this.#state.phase === "stopped") {
      return Promise.resolve({ status: "lost", reason: "there is no connection" });
    }
    return this.#outbox.send(command);
  }

  async #open(): Promise<void> {
    this.#era += 1;
    const era = this.#era;
    if (!this.#link) this.#become({ phase: "connecting" });
    const source = this.#options.token;
    if (typeof source === "string") this.#token = source;
    else if (source && (this.#token === undefined || this.#renewing)) {
      try {
        this.#token = await source();
      } catch {
        if (era === this.#era) this.#retry("the sign-in service does not answer");
        return;
      }
    }
    if (era !== this.#era) return;
    const options: LinkOptions = {
      stream: this.#options.stream,
      history: this.#options.history ?? HISTORY,
    };
    if (this.#token !== undefined) options.token = this.#token;
    if (this.#position !== undefined) options.position = this.#position;
    try {
      this.#next = this.#newLink(options);
    } catch (error) {
      this.#stop({ advice: "stop", code: 0, reason: String(error), reached: false });
    }
  }

  #newLink(options: LinkOptions): Link {
    // The listener is called only after the constructor has returned, so the link is there by then.
    let link: Link;
    const current = () => link === this.#link || link === this.#next;
    const listener: LinkListener = {
      signedIn: (user) => current() && this.#signedIn(user),
      joined: (joined) => link === this.#next && this.#joined(link, joined),
      batch: (batch) => link === this.#link && this.#batch(batch),
      notice: (notice) => link === this.#link && this.#notice(notice),
      ended: (end) => current() && this.#ended(link, end),
    };
    const sockets = this.#options.webSocket ?? globalThis.WebSocket;
    const blocked = this.#unreached >= SOCKETS_BEFORE_SSE && this.#unreached % 2 === 1;
    if (blocked || !sockets) link = new SseLink(this.rest, options, listener);
    else {
      const url = `${this.#options.url.replace(/^http/, "ws")}/v1/connect`;
      const [timing, codecs] = [this.#timing, this.#codecs()];
      link = new SocketLink({ ...options, url, codecs, webSocket: sockets, timing }, listener);
    }
    return link;
  }

  #codecs(): readonly Codec[] {
    const all = this.#options.codecs ?? [msgpack, json];
    const left = all.filter((codec) => !this.#withdrawn.has(codec.subprotocol));
    // With all of them gone the host may have got one back.
    return left.length > 0 ? left : all;
  }

  #signedIn(user: Author): void {
    this.#renewing = false;
    if (JSON.stringify(user) === JSON.stringify(this.#user)) return;
    this.#user = user;
    this.emit("user", user);
  }

  #joined(link: Link, joined: Joined): void {
    const old = this.#link;
    this.#link = link;
    this.#next = undefined;
    // Where only server-sent events got through, one socket is tried at the next break, not three.
    this.#unreached = link.transport === "sse" ? SOCKETS_BEFORE_SSE - 1 : 0;
    this.#liveSinceMs = Date.now();
    this.#position = joined.position;
    this.#seen.add(joined.history);
    if (old) this.#retire(old);
    this.#become({ phase: "live", transport: link.transport });
    this.emit("joined", joined);
    this.#outbox.attach(link);
  }

  /** Lets a link that was moved away from answer what is still in flight. */
  #retire(link: Link): void {
    const lastMs = Date.now() + this.#timing.retireMs;
    const check = () => {
      if (link.inFlight === 0 || Date.now() >= lastMs) link.close();
      else setTimeout(check, 50);
    };
    check();
  }

  #batch(batch: Batch): void {
    this.#position = batch.position;
    const events = batch.events.filter(
      (event) => event.type !== "comment" || this.#seen.isNew(event.comment),
    );
    this.emit("batch", { ...batch, events });
  }

  #notice(notice: Notice): void {
    if (notice.kind === "drain") this.move(notice.value);
    if (notice.kind === "expiring") void this.#refresh();
    this.emit("notice", notice);
  }

  async #refresh(): Promise<void> {
    const source = this.#options.token;
    if (typeof source !== "function") return;
    try {
      const token = await source();
      if (token === undefined) return;
      this.#token = token;
      await this.#link?.send({ type: "refresh", token });
    } catch {
      // The host closes the connection when the old token ends, and then the source is asked again.
    }
  }

  #ended(link: Link, end: LinkEnd): void {
    if (link === this.#next) this.#next = undefined;
    if (link === this.#link) {
      this.#link = undefined;
      this.#outbox.attach(undefined);
      if (Date.now() - this.#liveSinceMs >= this.#timing.settledMs) this.#attempt = 0;
      // A move that is under way goes on as the reconnect.
      if (this.#next) return this.#become({ phase: "connecting" });
    }
    if (!end.reached) this.#unreached += 1;
    if (end.advice === "return_with_another_codec" && link instanceof SocketLink && link.codec) {
      this.#withdrawn.add(link.codec.subprotocol);
    }
    if (end.advice === "stop") return this.#stop(end);
    if (end.advice === "renew_token") {
      if (typeof this.#options.token !== "function" || this.#renewing) return this.#stop(end);
      this.#renewing = true;
    }
    this.#retry(end.reason, end.problem?.retryAfterMs);
  }

  #retry(reason: string, leastMs = 0): void {
    const wait = Math.max(leastMs, backoff(this.#attempt, this.#timing, this.#options.random ?? Math.random));
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#open(), wait);
    // While an old link still serves, nobody needs to know that a move has not worked yet.
    if (!this.#link) this.#become({ phase: "waiting", retryAtMs: Date.now() + wait, reason });
  }

  #stop(end: LinkEnd): void {
    this.#reset();
    this.#outbox.clear(end.reason);
    this.#become({ phase: "stopped", end });
  }

  #reset(): void {
    this.#era += 1;
    clearTimeout(this.#timer);
    this.#taps.clear();
    const links = [this.#link, this.#next];
    this.#link = undefined;
    this.#next = undefined;
    for (const link of links) link?.close();
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }

  #become(state: State): void {
    this.#state = state;
    this.emit("state", state);
  }
}
