import assert from "node:assert/strict";
import { test } from "node:test";
import { userOf } from "@ringside/client";
import { scene, until } from "./support.ts";

scene("where WebSocket is blocked a client reads events and posts over REST", async ({ host, viewer }) => {
  host.socketsBlocked = true;
  host.stream().comment({ id: "bob", name: "Bob" }, "before");
  const ann = await viewer("Ann");
  assert.deepEqual(ann.client.state, { phase: "live", transport: "sse" });
  assert.deepEqual(
    ann.joins[0]?.history.map(({ text }) => text),
    ["before"],
  );
  assert.equal(ann.client.user?.name, "Ann");

  const parent = host.say("Bob", "live");
  await until(() => ann.texts.includes("live"));
  const outcome = await ann.client.comment("from Ann", { replyTo: parent.id });
  await until(() => ann.texts.includes("from Ann"));
  assert.deepEqual(outcome, { status: "accepted", id: ann.comments[1]?.id });
  assert.equal(ann.comments[1]?.replyTo, parent.id);

  assert.equal((await ann.client.comment("a badword")).status, "rejected");
  host.limitedUntilMs.set("ann", Date.now() + 60_000);
  assert.equal((await ann.client.comment("more")).status, "rate_limited");
  host.limitedUntilMs.clear();
  host.stream().settings.hold_for_review = true;
  assert.equal((await ann.client.comment("held?")).status, "held");
  for (const done of [
    await ann.client.react(parent.id, "like"),
    await ann.client.pin(parent.id),
    await ann.client.pin(null),
    await ann.client.changeSettings({ closed: true }),
    await ann.client.moderate(parent.id, "approve"),
    await ann.client.delete(parent.id),
  ]) {
    assert.deepEqual(done, { status: "done" });
  }
  ann.client.emoji("🔥", 3);
  await until(() => host.stream().emoji.get("🔥") === 3);
});

scene("an event stream that breaks is resumed from its position", async ({ host, witness }) => {
  host.socketsBlocked = true;
  const reader = await witness().live();
  host.say("Bob", "one");
  await until(() => reader.texts.includes("one"));
  for (const { response } of host.eventStreams) response.destroy();
  host.say("Bob", "two");
  await until(() => reader.texts.includes("two"));
  assert.deepEqual(reader.texts, ["one", "two"]);
  assert.equal(reader.joins.at(-1)?.resumed, "recovered");
});

scene("a client goes back to WebSocket when it can", async ({ host, witness }) => {
  host.socketsBlocked = true;
  const reader = await witness().live();
  host.socketsBlocked = false;
  for (const { response } of host.eventStreams) response.destroy();
  await until(() => reader.joins.length === 2);
  assert.deepEqual(reader.client.state, { phase: "live", transport: "websocket" });
});

test("the name in a token is read as UTF-8, and damage gives nobody", () => {
  const claims = Buffer.from(JSON.stringify({ sub: "zoe", name: "Zoë 🎧" })).toString("base64url");
  assert.deepEqual(userOf(`x.${claims}.y`), { id: "zoe", name: "Zoë 🎧", role: "viewer", member: false });
  for (const damaged of ["", "x", "x.y.z", "x.e30.y"]) assert.equal(userOf(damaged), undefined);
});
