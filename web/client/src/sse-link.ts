/** A link for where WebSocket is blocked: reads server-sent events, and carries commands out over REST. */

import { serverSentEvents } from "./event-source.ts";
import * as expand from "./expand.ts";
import { endFor, type Link, type LinkEnd, type LinkListener, type LinkOptions } from "./link.ts";
import type { Author, Outcome, Role } from "./model.ts";
import { RequestError, type Rest } from "./rest.ts";
import type { Command, WireBatch, WireJoined, WireNotice } from "./wire.ts";

export class SseLink implements Link {
  readonly transport = "sse";
  readonly #rest: Rest;
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  readonly #abort = new AbortController();
  #inFlight = 0;
  #ended = false;
  #reached = false;

  constructor(rest: Rest, options: LinkOptions, listener: LinkListener) {
    this.#rest = rest;
    this.#options = options;
    this.#listener = listener;
    void this.#run();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** REST has no limit of commands a minute beside the ones of the throttle, which answers by itself. */
  waitMs(): number {
    return 0;
  }

  async send(command: Command): Promise<Outcome> {
    if (command.type === "refresh") return { status: "done" };
    this.#inFlight += 1;
    try {
      return await this.#rest.send(command);
    } finally {
      this.#inFlight -= 1;
    }
  }

  close(): void {
    this.#ended = true;
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    try {
      await this.#read();
      this.#end({ advice: "return", code: 1001, reason: "the event stream ended", reached: this.#reached });
    } catch (error) {
      this.#end(
        error instanceof RequestError && error.problem.number > 0
          ? endFor(error.problem)
          : { advice: "return", code: 1006, reason: "the event stream broke", reached: this.#reached },
      );
    }
  }

  async #read(): Promise<void> {
    const { position, history, token } = this.#options;
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (position !== undefined) headers["Last-Event-ID"] = position;
    const response = await this.#rest.request(
      "GET",
      `/events?history=${history}`,
      undefined,
      headers,
      this.#abort.signal,
    );
    if (!response.body) throw new TypeError("the event stream has no body");
    const events = serverSentEvents(response.body);
    this.#reached = true;
    const user = token === undefined ? undefined : userOf(token);
    if (user && !this.#ended) this.#listener.signedIn(user);
    for await (const { name, data } of events) {
      if (this.#ended) return;
      if (name === "joined") this.#listener.joined(expand.joined(JSON.parse(data) as WireJoined));
      else if (name === "batch") this.#listener.batch(expand.batch(JSON.parse(data) as WireBatch));
      else if (name === "notice") this.#listener.notice(expand.notice(JSON.parse(data) as WireNotice));
    }
  }

  #end(end: LinkEnd): void {
    if (this.#ended) return;
    this.close();
    this.#listener.ended(end);
  }
}

/** The user that a token names. Only to show the name: the host checks the token. */
export function userOf(token: string): Author | undefined {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as {
      sub?: string;
      name?: string;
      role?: Role;
      member?: boolean;
    };
    if (typeof claims.sub !== "string") return undefined;
    const { sub: id, name = id, role = "viewer", member = false } = claims;
    return { id, name, role, member };
  } catch {
    return undefined;
  }
}
