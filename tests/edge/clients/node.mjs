/**
 * A chat client made of other makers' parts: the packages `ws` and `@msgpack/msgpack` on Node.
 *
 *     node node.mjs URL SUBPROTOCOL plain|deflate
 *
 * Each line of standard input is an object to send; its end closes the connection with 1000. Each object that comes
 * is a line of standard output. Beside them stand this client's own, of the `type` "client": `opened` with what was
 * agreed on, and `closed` with the code, the reason, and the bytes of frames on the wire and of messages in them.
 */

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../../web/client/package.json", import.meta.url));
const { WebSocket } = require("ws");
const { decode, encode } = require("@msgpack/msgpack");

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const [url, subprotocol, compression] = process.argv.slice(2);
const packed = subprotocol === "ringside.v1.msgpack";

const tell = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);

/** The same object with each value as `change` has it. */
function changed(value, change) {
  const made = change(value);
  if (made !== value || value === null || typeof value !== "object") return made;
  if (Array.isArray(value)) return value.map((item) => changed(item, change));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, changed(item, change)]));
}

/** In MessagePack, comment ids are 16 bytes. */
const withBytes = (value) =>
  typeof value === "string" && UUID.test(value) ? Buffer.from(value.replaceAll("-", ""), "hex") : value;

function withText(value) {
  if (!(value instanceof Uint8Array)) return value;
  const hex = Buffer.from(value).toString("hex");
  return [0, 8, 12, 16, 20].map((from, n) => hex.slice(from, [8, 12, 16, 20, 32][n])).join("-");
}

const socket = new WebSocket(url, [subprotocol], {
  perMessageDeflate: compression === "deflate" ? { threshold: 0 } : false,
});
const messages = { read: 0, written: 0 };
let tcp;
let handshake;

socket.on("upgrade", (response) => {
  tcp = response.socket;
  handshake = { read: tcp.bytesRead, written: tcp.bytesWritten };
});
socket.on("open", () => {
  tell({ type: "client", opened: { subprotocol: socket.protocol, extensions: socket.extensions } });
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const message = packed ? encode(changed(JSON.parse(line), withBytes)) : line;
    messages.written += Buffer.byteLength(message);
    socket.send(message);
  });
  lines.on("close", () => socket.close(1000, "bye"));
});
socket.on("message", (data, binary) => {
  messages.read += data.length;
  if (binary !== packed) throw new Error(`a frame of the wrong kind for ${subprotocol}`);
  tell(packed ? changed(decode(data), withText) : JSON.parse(data.toString()));
});
socket.on("close", (code, reason) => {
  const wire = { read: tcp.bytesRead - handshake.read, written: tcp.bytesWritten - handshake.written };
  tell({ type: "client", closed: { code, reason: reason.toString(), wire, messages } });
  process.stdin.destroy();
});
