/** REST and server-sent events of the fake host. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Command } from "@ringside/client";
import type { FakeHost } from "./host.ts";
import { batchOf, type FakeStream, type Person } from "./stream.ts";

/** False where the path is none of this. */
export async function serveRest(
  host: FakeHost,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? "/", host.url);
  const [, id, rest = ""] = /^\/v1\/streams\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? [];
  if (id === undefined) return false;
  const stream = host.stream(decodeURIComponent(id));
  const user = host.userOf((request.headers.authorization ?? "").replace("Bearer ", ""));
  const answer = (status: number, body: unknown) => {
    const type = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "content-type": type });
    response.end(body === undefined ? "" : JSON.stringify(body));
  };
  if (request.method === "GET") read(host, stream, user, url, rest, request, response, answer);
  else {
    const command = commandFor(request.method ?? "", rest, await bodyOf(request));
    if (!command) answer(404, problem(404, 202, "not found", url.pathname));
    else write(host, stream, user, command, answer);
  }
  return true;
}

type AnswerWith = (status: number, body: unknown) => void;

function read(
  host: FakeHost,
  stream: FakeStream,
  user: Person | undefined,
  url: URL,
  rest: string,
  request: IncomingMessage,
  response: ServerResponse,
  answer: AnswerWith,
): void {
  const [, comment, below] = /^\/comments\/([^/]+)(\/replies)?$/.exec(rest) ?? [];
  const params = url.searchParams;
  const page = (only: Parameters<FakeStream["page"]>[3]) =>
    stream.page(
      params.get("cursor"),
      params.get("direction") ?? "before",
      Number(params.get("page_size") ?? 50),
      only,
    );
  if (rest === "") {
    const { id, settings, viewers, emoji, pinned } = stream;
    answer(200, { id, title: "", settings, viewers, emoji: Object.fromEntries(emoji), pinned });
  } else if (rest === "/comments") {
    answer(200, page(params.get("of") === "review" ? (one) => one.held === true : host.visibleTo(user)));
  } else if (rest === "/reactions") {
    const ids = (params.get("comments") ?? "").split(",");
    if (user) answer(200, { items: stream.reactionsOf(user.id, ids) });
    else answer(401, problem(401, 101, "sign-in needed", "send a token"));
  } else if (rest === "/events") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const position = request.headers["last-event-id"];
    const { replay, ...joined } = host.join(stream, user, {
      ...(typeof position === "string" ? { position } : {}),
      history: Number(params.get("history") ?? 50),
    });
    const event = (name: string, id: unknown, data: object) =>
      response.write(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    event("joined", joined.position, { type: "reply", id: 0, ...joined });
    if (replay.length > 0) event("batch", stream.position, batchOf(stream, replay));
    const reader = { stream, response, user };
    host.eventStreams.add(reader);
    response.on("close", () => host.eventStreams.delete(reader));
  } else if (comment && below)
    answer(
      200,
      page((one) => one.reply_to === comment),
    );
  else if (comment && stream.find(comment)) answer(200, stream.find(comment));
  else answer(404, problem(404, 202, "not found", rest));
}

function commandFor(method: string, rest: string, body: Record<string, unknown>): Command | undefined {
  const [, comment, below = ""] = /^\/comments\/([^/]+)(\/\w+)?$/.exec(rest) ?? [];
  const route = `${method} ${comment ? `/comments/*${below}` : rest}`;
  const commands: Record<string, object> = {
    "POST /comments": { type: "comment", ...body },
    "PATCH /comments/*": { type: "edit", comment, ...body },
    "DELETE /comments/*": { type: "delete", comment },
    "PUT /comments/*/reaction": { type: "react", comment, ...body },
    "POST /comments/*/review": { type: "moderate", comment, ...body },
    "POST /emoji": { type: "emoji", ...body },
    "PUT /pin": { type: "pin", ...body },
    "DELETE /pin": { type: "pin", comment: null },
    "PATCH ": { type: "settings", ...body },
  };
  return commands[route] as Command | undefined;
}

function write(
  host: FakeHost,
  stream: FakeStream,
  user: Person | undefined,
  command: Command,
  answer: AnswerWith,
): void {
  const reply = host.carryOut(stream, user, command);
  const posted = () => stream.find(String(reply.comment));
  if (reply.status === "accepted") answer(201, posted());
  else if (reply.status === "held") answer(202, posted());
  else if (reply.status === "rejected") answer(422, problem(422, 210, "comment rejected", reply.reason));
  else if (reply.status === "rate_limited") {
    answer(429, { ...problem(429, 301, "too fast", "wait"), retry_after_ms: reply.retry_after_ms });
  } else if (reply.status === "error")
    answer(401, problem(401, Number(reply.number), "sign-in needed", reply.detail));
  else answer(204, undefined);
  host.flush();
}

function problem(status: number, number: number, title: string, detail: unknown) {
  return { type: `urn:ringside:error:${number}`, title, status, detail, number };
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}
