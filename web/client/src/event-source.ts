/** Reads a `text/event-stream` body; `EventSource` cannot send a token nor begin at a position. */

export interface ServerSentEvent {
  name: string;
  data: string;
}

/** Longest line: the largest batch is far smaller. A host that sends more is none of ours. */
const LINE_CHARS_MAX = 4_194_304;

export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let name = "";
  let data: string[] = [];
  for await (const line of lines(body)) {
    if (line === "") {
      if (data.length > 0) yield { name: name || "message", data: data.join("\n") };
      name = "";
      data = [];
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n/);
      rest = parts.pop() ?? "";
      if (rest.length > LINE_CHARS_MAX) throw new RangeError("a line of the event stream is too long");
      yield* parts;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
