import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "@msgpack/msgpack";
import { idToBytes, idToText, json, msgpack } from "@ringside/client";

const ID = "0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20";
const BYTES = Uint8Array.of(
  1,
  0x97,
  0xe0,
  0xf5,
  0x7f,
  0x3a,
  0x7c,
  0x31,
  0xb3,
  0xad,
  0x1c,
  0x6a,
  0x4f,
  0x1f,
  0x9d,
  32,
);

test("an id is 16 bytes in MessagePack and text in JSON and in this library", () => {
  assert.deepEqual(idToBytes(ID), BYTES);
  assert.equal(idToText(BYTES), ID);
  assert.deepEqual(idToBytes(ID.toUpperCase()), BYTES);
  for (const none of ["", "0197e0f5", `${ID}0`, ID.replace("0", "g")])
    assert.equal(idToBytes(none), undefined);

  const comment = { type: "comment", id: 7, text: ID, reply_to: ID, reference: ID } as const;
  assert.deepEqual(decode(msgpack.encode(comment) as Uint8Array), { ...comment, reply_to: BYTES });
  assert.deepEqual(JSON.parse(json.encode(comment) as string), comment);
  const pin = { type: "pin", id: 8, comment: null } as const;
  assert.deepEqual(decode(msgpack.encode(pin) as Uint8Array), pin);
});

test("ids are found wherever they stand in a frame", () => {
  const frame = {
    type: "batch",
    events: [
      { type: "comment", id: BYTES, author: { id: "bob", name: "Bob" }, reply_to: BYTES },
      { type: "pinned", comment: { id: BYTES } },
      { type: "removed", comment: BYTES },
    ],
  };
  const bytes = encode(frame);
  const read = msgpack.decode(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
  );
  assert.deepEqual(read, {
    type: "batch",
    events: [
      { type: "comment", id: ID, author: { id: "bob", name: "Bob" }, reply_to: ID },
      { type: "pinned", comment: { id: ID } },
      { type: "removed", comment: ID },
    ],
  });
});

test("data of the other kind is refused", () => {
  assert.throws(() => json.decode(new ArrayBuffer(1)), /binary frame/);
  assert.throws(() => msgpack.decode("{}"), /text frame/);
});
