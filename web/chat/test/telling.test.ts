import assert from "node:assert/strict";
import { test } from "node:test";
import type { Comment } from "@ringside/client";
import { Announcer } from "../src/announcer.ts";
import { FLOATS_MAX, Floats } from "../src/floats.ts";

const comment = (text: string, name = "Ann") => ({ text, author: { name } }) as Comment;

test("a screen reader hears of many comments in one sentence, and of one by its words", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const said: string[] = [];
  const announcer = new Announcer((text) => said.push(text), 5_000);
  announcer.comment(comment("hello"));
  context.mock.timers.tick(5_000);
  for (let n = 1; n <= 250; n += 1) announcer.comment(comment(`number ${n}`, "Bob"));
  context.mock.timers.tick(4_999);
  announcer.now("Ann mentioned you");
  context.mock.timers.tick(1);
  context.mock.timers.tick(60_000);
  assert.deepEqual(said, ["Ann: hello", "Ann mentioned you", "250 new comments. Last, Bob: number 250"]);
});

test("a long comment is cut where it is read out", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const said: string[] = [];
  const announcer = new Announcer((text) => said.push(text));
  announcer.comment(comment("🎧".repeat(400)));
  context.mock.timers.runAll();
  assert.equal(said[0], `Ann: ${"🎧".repeat(120)}`);
});

test("emoji float as the totals grow, own taps once, and never too many", () => {
  const floats = new Floats(() => 0.5);
  floats.reset(new Map([["🔥", 5_000]]));
  floats.update(new Map([["🔥", 5_002]]));
  assert.equal(floats.flying.length, 2);
  floats.tap("🔥");
  floats.tap("🔥");
  assert.equal(floats.flying.length, 4);
  // These totals tell of the two taps, and of one more by someone else.
  floats.update(new Map([["🔥", 5_005]]));
  assert.equal(floats.flying.length, 5);
  const [first] = floats.flying;
  if (first) floats.land(first.id);
  assert.equal(floats.flying.length, 4);
  for (let n = 1; n < 100; n += 1) floats.update(new Map([["🔥", 5_005 + n * 1_000]]));
  assert.equal(floats.flying.length, FLOATS_MAX);
});
