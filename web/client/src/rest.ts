/** The REST side of a host: pages of comments, and every command for where WebSocket is blocked. */

import * as expand from "./expand.ts";
import type { Comment, Outcome, Page, PageQuery, Problem, Reaction, StreamInfo } from "./model.ts";
import type {
  Command,
  WireComment,
  WirePage,
  WireProblem,
  WireReactions,
  WireSettings,
  WireStream,
} from "./wire.ts";

/** A request that a host refused, or that never reached one (number 0). */
export class RequestError extends Error {
  readonly problem: Problem;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;

  constructor(problem: Problem, status: number) {
    super(problem.detail || problem.title);
    this.name = "RequestError";
    this.problem = problem;
    this.status = status;
  }
}

export interface RestOptions {
  /** The host, such as `https://eu1.chat.example`. */
  url: string;
  stream: string;
  fetch: typeof fetch;
  /** The token to send, where there is one. */
  token: () => string | undefined;
}

/** Comments asked about at once: a URL of 4 KB, which every proxy takes. */
const REACTIONS_AT_ONCE = 100;

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
/** What a command is over REST. */
type Request = readonly [method: Method, path: string, body?: unknown];

export class Rest {
  readonly #options: RestOptions;
  readonly #base: string;

  constructor(options: RestOptions) {
    this.#options = options;
    this.#base = `${options.url}/v1/streams/${encodeURIComponent(options.stream)}`;
  }

  /** Throws {@link RequestError}, as all reads do. */
  async stream(): Promise<StreamInfo> {
    return expand.stream((await this.#json("")) as WireStream);
  }

  async page(query: PageQuery = {}): Promise<Page> {
    return this.#page("/comments", query);
  }

  async replies(id: string, query: PageQuery = {}): Promise<Page> {
    return this.#page(`/comments/${id}/replies`, query);
  }

  async comment(id: string): Promise<Comment> {
    return expand.comment((await this.#json(`/comments/${id}`)) as WireComment);
  }

  /** What this user thinks of comments; those without a reaction are left out. */
  async reactions(ids: readonly string[]): Promise<Map<string, Reaction>> {
    const found = new Map<string, Reaction>();
    for (let from = 0; from < ids.length; from += REACTIONS_AT_ONCE) {
      const some = ids.slice(from, from + REACTIONS_AT_ONCE).join(",");
      const { items } = (await this.#json(`/reactions?comments=${some}`)) as WireReactions;
      for (const { comment, reaction } of items) found.set(comment, reaction);
    }
    return found;
  }

  /** Carries a command out as one request. */
  async send(command: Command): Promise<Outcome> {
    const request = requestFor(command);
    if (!request) {
      const detail = `\`${command.type}\` needs a WebSocket`;
      return { status: "error", problem: { number: 202, title: "not found", detail } };
    }
    try {
      const response = await this.request(...request);
      if (command.type !== "comment" && command.type !== "edit") return { status: "done" };
      const { id } = (await response.json()) as WireComment;
      return { status: response.status === 202 ? "held" : "accepted", id };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return refused(error.problem);
    }
  }

  /** A request below the stream's address. Throws {@link RequestError} unless the answer is a success. */
  async request(
    method: Method,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const token = this.#options.token();
    const init: RequestInit = { method, headers: { ...headers } };
    const all = init.headers as Record<string, string>;
    if (token !== undefined) all.Authorization = `Bearer ${token}`;
    if (body !== undefined) {
      all["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    if (signal) init.signal = signal;
    let response: Response;
    try {
      response = await this.#options.fetch(this.#base + path, init);
    } catch {
      throw new RequestError({ number: 0, title: "no connection", detail: "the host cannot be reached" }, 0);
    }
    if (!response.ok) throw new RequestError(await problemOf(response), response.status);
    return response;
  }

  async #json(path: string): Promise<unknown> {
    return (await this.request("GET", path)).json();
  }

  async #page(path: string, query: PageQuery): Promise<Page> {
    const params = new URLSearchParams();
    if (query.cursor !== undefined) params.set("cursor", query.cursor);
    if (query.direction !== undefined) params.set("direction", query.direction);
    if (query.pageSize !== undefined) params.set("page_size", String(query.pageSize));
    if (query.of !== undefined) params.set("of", query.of);
    const page = (await this.#json(`${path}?${params}`)) as WirePage;
    return {
      items: page.items.map((one) => expand.comment(one)),
      next: page.next ?? null,
      previous: page.previous ?? null,
    };
  }
}

function requestFor(command: Command): Request | undefined {
  switch (command.type) {
    case "comment": {
      const { type: _, ...body } = command;
      return ["POST", "/comments", body];
    }
    case "edit":
      return ["PATCH", `/comments/${command.comment}`, { text: command.text }];
    case "delete":
      return ["DELETE", `/comments/${command.comment}`];
    case "react":
      return ["PUT", `/comments/${command.comment}/reaction`, { reaction: command.reaction }];
    case "emoji":
      return ["POST", "/emoji", { emoji: command.emoji, count: command.count ?? 1 }];
    case "pin":
      return command.comment === null ? ["DELETE", "/pin"] : ["PUT", "/pin", { comment: command.comment }];
    case "settings": {
      const { type: _, ...patch } = command;
      return ["PATCH", "", patch satisfies Partial<WireSettings>];
    }
    case "moderate":
      return ["POST", `/comments/${command.comment}/review`, { review: command.review }];
    default:
      return undefined;
  }
}

/** What the problems of REST are as outcomes of commands. */
function refused(problem: Problem): Outcome {
  if (problem.number === 0) return { status: "lost", reason: problem.detail };
  if (problem.number === 210) return { status: "rejected", reason: problem.detail };
  if (problem.number === 301 && problem.retryAfterMs !== undefined) {
    return { status: "rate_limited", retryAfterMs: problem.retryAfterMs };
  }
  return { status: "error", problem };
}

async function problemOf(response: Response): Promise<Problem> {
  const nameless = {
    number: 500,
    title: response.statusText,
    detail: `the host answered ${response.status}`,
  };
  try {
    const body = (await response.json()) as Partial<WireProblem>;
    return typeof body.number === "number" ? expand.problem({ ...nameless, ...body }) : nameless;
  } catch {
    return nameless;
  }
}
