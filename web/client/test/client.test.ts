import assert from "node:assert/strict";
import { json, msgpack } from "@ringside/client";
import { scene, until } from "./support.ts";

for (const codec of [json, msgpack]) {
  scene(`a comment goes there and back over ${codec.subprotocol}`, async ({ host, viewer }) => {
    const ann = await viewer("Ann", { codecs: [codec] });
    const parent = host.say("Bob", "question?");
    await until(() => ann.texts.includes("question?"));
    const outcome = await ann.client.comment("answer", { replyTo: parent.id });
    await until(() => ann.texts.includes("answer"));

    const [asked, answered] = ann.comments;
    assert.deepEqual(outcome, { status: "accepted", id: answered?.id });
    assert.equal(answered?.replyTo, parent.id);
    assert.deepEqual(asked, {
      id: parent.id,
      author: { id: "bob", name: "Bob", role: "viewer", member: false },
      text: "question?",
      atMs: parent.at,
      mentions: [],
      edited: false,
      likes: 0,
      dislikes: 0,
      replies: 0,
      held: false,
    });
    assert.equal(host.sessions[0]?.socket.protocol, codec.subprotocol);
    assert.deepEqual(
      host.sessions[0]?.received.map((frame) => frame.type),
      ["authenticate", "join", "comment"],
    );
  });
}

scene("without a token the first frame joins", async ({ host, witness }) => {
  host.stream().comment({ id: "bob", name: "Bob" }, "before");
  const reader = await witness().live();
  assert.deepEqual(
    host.sessions[0]?.received.map((frame) => frame.type),
    ["join"],
  );
  assert.deepEqual(
    reader.joins[0]?.history.map((comment) => comment.text),
    ["before"],
  );
  assert.equal(reader.client.user, undefined);
});

scene(
  "every command reaches the host with its fields, and its answer the caller",
  async ({ host, viewer }) => {
    const mia = await viewer("Mia", { token: host.token({ name: "Mia", role: "moderator" }) });
    const { id } = host.say("Bob", "hello");
    const { client } = mia;
    const outcomes = [
      await client.edit(id, "hello!"),
      await client.react(id, "like"),
      await client.pin(id),
      await client.pin(null),
      await client.changeSettings({ slowModeS: 30, blockedTerms: ["spoiler"] }),
      await client.moderate(id, "approve"),
      await client.delete(id),
    ];
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["accepted", "done", "done", "done", "done", "done", "done"],
    );
    const sent = host.sessions[0]?.received.slice(2).map(({ id: _, ...command }) => command);
    assert.deepEqual(sent, [
      { type: "edit", comment: id, text: "hello!" },
      { type: "react", comment: id, reaction: "like" },
      { type: "pin", comment: id },
      { type: "pin", comment: null },
      { type: "settings", slow_mode_s: 30, blocked_terms: ["spoiler"] },
      { type: "moderate", comment: id, review: "approve" },
      { type: "delete", comment: id },
    ]);
  },
);

scene(
  "what a frame leaves out, authors it has named and times that ids carry, is told whole",
  async ({ host, witness }) => {
    const reader = await witness().live();
    const bob = { id: "bob", name: "Bob", member: true };
    const stream = host.stream();
    const comments = ["one", "two", "three"].map((text) => stream.comment(bob, text));
    comments.push(stream.comment(bob, "four", { at: 1_700_000_000_000 }));
    host.publish(stream, ...comments.map((comment) => ({ type: "comment", ...comment }) as const));
    host.flush();
    await until(() => reader.comments.length === 4);
    for (const [at, comment] of reader.comments.entries()) {
      assert.deepEqual(comment.author, { id: "bob", name: "Bob", role: "viewer", member: true });
      assert.equal(comment.atMs, comments[at]?.at);
    }
  },
);

scene("taps on an emoji are gathered into few commands with their number", async ({ host, viewer }) => {
  const ann = await viewer("Ann");
  for (let tap = 0; tap < 30; tap += 1) ann.client.emoji("🔥");
  for (let tap = 0; tap < 3; tap += 1) ann.client.emoji("❤️");
  await until(() => host.stream().emoji.get("❤️") === 3);
  assert.equal(host.stream().emoji.get("🔥"), 30);
  const commands = host.sessions[0]?.received.filter((frame) => frame.type === "emoji");
  assert.deepEqual(
    commands?.map(({ id: _, ...command }) => command),
    [
      { type: "emoji", emoji: "🔥", count: 30 },
      { type: "emoji", emoji: "❤️", count: 3 },
    ],
  );
});

scene("a client that sends too much is slowed down here and not closed there", async ({ host, viewer }) => {
  const ann = await viewer("Ann");
  const { id } = host.say("Bob", "hello");
  const outcomes: string[] = [];
  for (let round = 0; round < 70; round += 1) outcomes.push((await ann.client.react(id, "like")).status);
  const limited = outcomes.filter((status) => status === "rate_limited").length;
  assert.equal(host.sessions[0]?.received.length, 54);
  assert.equal(limited, 70 - 52);
});

scene("what became of a comment is told with its reason", async ({ host, viewer }) => {
  const ann = await viewer("Ann");
  assert.deepEqual(await ann.client.comment("a badword"), {
    status: "rejected",
    reason: "This word is not allowed here.",
  });
  host.stream().settings.hold_for_review = true;
  assert.equal((await ann.client.comment("please")).status, "held");
  host.limitedUntilMs.set("ann", Date.now() + 60_000);
  const limited = await ann.client.comment("again");
  assert.ok(limited.status === "rate_limited" && limited.retryAfterMs > 50_000);
});

scene("a frame of a type that nobody knows yet changes nothing", async ({ host, witness }) => {
  const reader = await witness({ codecs: [json] }).live();
  const odd = { type: "batch", stream: "demo", position: "e1:0", events: [{ type: "poll", question: "?" }] };
  host.sessions[0]?.socket.send(JSON.stringify(odd));
  host.sessions[0]?.socket.send(JSON.stringify({ type: "weather" }));
  host.say("Bob", "still here");
  await until(() => reader.texts.includes("still here"));
  assert.equal(host.sessions.length, 1);
});
