/** Subprotocols: how frames become bytes or text, and back. */

import { Decoder, Encoder } from "@msgpack/msgpack";
import type { ClientFrame, ServerFrame } from "./wire.ts";

export interface Codec {
  /** The WebSocket subprotocol that it speaks. */
  readonly subprotocol: string;
  encode(frame: ClientFrame): string | Uint8Array<ArrayBuffer>;
  /** Throws where the data is not of this format. */
  decode(data: string | ArrayBuffer): ServerFrame;
}

/** `ringside.v1.json`: text frames. */
export const json: Codec = {
  subprotocol: "ringside.v1.json",
  encode: (frame) => JSON.stringify(frame),
  decode: (data) => {
    if (typeof data !== "string") throw new TypeError("a binary frame came on ringside.v1.json");
    return JSON.parse(data) as ServerFrame;
  },
};

/** Fields of a command whose value is a comment's id. */
const ID_FIELDS = new Set(["comment", "reply_to"]);

const packer = new Encoder({ ignoreUndefined: true });
const unpacker = new Decoder();

/** `ringside.v1.msgpack`: binary frames, comment ids as the 16 bytes of the UUID. */
export const msgpack: Codec = {
  subprotocol: "ringside.v1.msgpack",
  encode: (frame) => {
    const fields = Object.entries(frame).map(([name, value]) => {
      const bytes = ID_FIELDS.has(name) && typeof value === "string" ? idToBytes(value) : undefined;
      return [name, bytes ?? value];
    });
    return packer.encode(Object.fromEntries(fields));
  },
  decode: (data) => {
    if (typeof data === "string") throw new TypeError("a text frame came on ringside.v1.msgpack");
    return idsToText(unpacker.decode(data)) as ServerFrame;
  },
};

/** Every byte string in a server's frame is a comment's id. */
function idsToText(value: unknown): unknown {
  if (value instanceof Uint8Array) return idToText(value);
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = idsToText(value[at]);
  } else if (typeof value === "object" && value !== null) {
    const map = value as Record<string, unknown>;
    for (const name in map) {
      const field = map[name];
      if (typeof field === "object" && field !== null) map[name] = idsToText(field);
    }
  }
  return value;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The 16 bytes of a UUID; nothing where the text is none. */
export function idToBytes(text: string): Uint8Array | undefined {
  if (!UUID.test(text)) return undefined;
  const digits = text.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16));
}

/** The canonical text form of a UUID's 16 bytes. */
export function idToText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 1) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += "-";
    text += (bytes[at] ?? 0).toString(16).padStart(2, "0");
  }
  return text;
}
