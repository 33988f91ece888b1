import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceFor, backoff, json, msgpack, TIMING } from "@ringside/client";
import { scene, until } from "./support.ts";

scene(
  "after a break a client resumes: nothing is missed and nothing told twice",
  async ({ host, witness }) => {
    const reader = await witness().live();
    const expected: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      host.say("Bob", `seen ${round}`);
      await until(() => reader.texts.includes(`seen ${round}`));
      const { position } = host.stream();
      host.sessions.at(-1)?.socket.terminate();
      host.say("Bob", `missed ${round}`);
      expected.push(`seen ${round}`, `missed ${round}`);
      await until(() => reader.texts.includes(`missed ${round}`));
      const [join] = host.sessions.at(-1)?.received ?? [];
      assert.deepEqual([join?.type, join?.type === "join" && join.position], ["join", position]);
    }
    assert.deepEqual(reader.texts, expected);
    assert.deepEqual(
      reader.joins.map(({ resumed }) => resumed),
      ["fresh", ...Array(5).fill("recovered")],
    );
  },
);

scene("a host that starts again finds its clients back", async ({ host, witness }) => {
  const reader = await witness().live();
  await host.stop();
  await until(() => reader.states.some((state) => state.phase === "waiting"));
  await host.start();
  await until(() => reader.joins.length === 2);
  host.say("Bob", "we are back");
  await until(() => reader.texts.includes("we are back"));
});

scene("a host that has lost the position says that there is a gap", async ({ host, witness }) => {
  const reader = await witness().live();
  host.say("Bob", "one");
  await until(() => reader.texts.includes("one"));
  host.forgetful = true;
  host.close(4001);
  await until(() => reader.joins.length === 2);
  assert.equal(reader.joins[1]?.resumed, "gap");
});

scene("on a drain a client moves without a gap and closes the old connection", async ({ host, witness }) => {
  const reader = await witness().live();
  host.say("Bob", "before");
  host.notice("drain", "this host is being drained", 40);
  host.say("Bob", "during");
  await until(() => reader.joins.length === 2);
  host.say("Bob", "after");
  await until(() => reader.texts.includes("after"));
  await until(() => host.open.length === 1);
  assert.deepEqual(reader.texts, ["before", "during", "after"]);
  assert.equal(reader.joins[1]?.resumed, "recovered");
  // It was never without a connection.
  assert.deepEqual(
    reader.states.map(({ phase }) => phase),
    ["connecting", "live", "live"],
  );
});

scene("events that both connections tell during a move are told once", async ({ host, witness }) => {
  const reader = await witness().live();
  const { id } = host.say("Bob", "twice?");
  await until(() => reader.texts.length === 1);
  // As another host would, the new connection begins earlier than asked.
  const stream = host.stream();
  const replay = stream.since.bind(stream);
  stream.since = () => replay("e1:0");
  reader.client.move();
  await until(() => reader.joins.length === 2);
  host.say("Bob", "end");
  await until(() => reader.texts.includes("end"));
  assert.deepEqual(
    reader.comments.map((comment) => [comment.id === id, comment.text]),
    [
      [true, "twice?"],
      [false, "end"],
    ],
  );
});

scene("a comment that lost its answer is sent again and is one comment", async ({ host, viewer }) => {
  const ann = await viewer("Ann");
  const session = host.sessions[0];
  // The comment arrives, its answer does not leave.
  if (session) session.send = () => session.socket.terminate();
  const outcome = await ann.client.comment("once");
  assert.equal(outcome.status, "accepted");
  assert.equal(host.stream().comments.length, 1);
  await until(() => ann.texts.length > 0);
  assert.deepEqual(ann.texts, ["once"]);
});

scene("a command that finds no connection in time is given up", async ({ host, viewer }) => {
  const ann = await viewer("Ann", { timing: { commandMs: 50, backoffMs: 5_000, backoffMsMax: 5_000 } });
  await host.stop();
  const outcome = await ann.client.comment("hello?");
  assert.equal(outcome.status, "lost");
  await host.start();
});

scene("a host that stops answering is left for a new connection", async ({ host, viewer }) => {
  const ann = await viewer("Ann", { timing: { answerMs: 40, joinMs: 200 } });
  host.silent = true;
  const outcome = ann.client.comment("anyone?");
  await until(() => host.sessions.length >= 2);
  host.silent = false;
  assert.equal((await outcome).status, "accepted");
  assert.equal(host.stream().comments.length, 1);
});

scene("a close code of 4500 or more stops the client and says why", async ({ host, witness }) => {
  for (const [code, word] of [
    [4500, /reload/i],
    [4504, /banned/i],
    [4505, /too much/i],
    [1009, /large/i],
  ] as const) {
    const reader = await witness().live();
    host.close(code);
    await until(() => reader.client.state.phase === "stopped");
    const state = reader.client.state;
    assert.ok(state.phase === "stopped" && state.end.code === code);
    assert.match(state.end.reason, word);
    assert.equal((await reader.client.react("x", "like")).status, "lost");
  }
});

scene("a token that ends is asked for anew, once", async ({ host, witness }) => {
  let asked = 0;
  const token = async () => {
    asked += 1;
    return asked === 2 ? host.token({ name: "Ann" }) : asked === 1 ? host.token({ name: "Ann" }) : "damaged";
  };
  const ann = await witness({ token }).live();
  host.close(4503);
  await until(() => ann.joins.length === 2);
  assert.equal(asked, 2);
  // The third is refused, and so is what would come after it.
  host.close(4503);
  await until(() => ann.client.state.phase === "stopped");
  assert.equal(asked, 3);
});

scene("a token that expires soon is refreshed on the live connection", async ({ host, witness }) => {
  let asked = 0;
  const token = async () => {
    asked += 1;
    return host.token({ name: "Ann" });
  };
  const ann = await witness({ token }).live();
  host.notice("expiring", "the token ends soon", 60_000);
  await until(() => host.sessions[0]?.received.some((frame) => frame.type === "refresh"));
  assert.equal(asked, 2);
  assert.equal(ann.joins.length, 1);
});

scene("a subprotocol that was withdrawn is not asked for again", async ({ host, witness }) => {
  const reader = await witness({ codecs: [msgpack, json] }).live();
  host.close(4003);
  await until(() => reader.joins.length === 2);
  assert.deepEqual(
    host.sessions.map(({ socket }) => socket.protocol),
    ["ringside.v1.msgpack", "ringside.v1.json"],
  );
});

scene("a client that is woken does not wait for its turn", async ({ host, witness }) => {
  const reader = await witness({ timing: { backoffMs: 600_000, backoffMsMax: 600_000 } }).live();
  host.close(4001);
  await until(() => reader.client.state.phase === "waiting");
  reader.client.wake();
  await until(() => reader.joins.length === 2);
});

test("close codes ask for what their range and the table say", () => {
  const rows: [number, string][] = [
    [1001, "return"],
    [1006, "return"],
    [1011, "return"],
    [4000, "return"],
    [4003, "return_with_another_codec"],
    [4499, "return"],
    [4500, "stop"],
    [4502, "renew_token"],
    [4503, "renew_token"],
    [4504, "stop"],
    [4999, "stop"],
    [1002, "stop"],
    [1009, "stop"],
  ];
  for (const [code, advice] of rows) assert.equal(adviceFor(code), advice, String(code));
});

test("the wait before a reconnect is random below a bound that doubles up to the longest", () => {
  const waits = (random: number) => [0, 1, 2, 3, 4, 5, 50].map((n) => backoff(n, TIMING, () => random));
  assert.deepEqual(waits(1), [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  assert.deepEqual(waits(0), Array(7).fill(100));
});
