/** The page and the client library on the real program. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, json, msgpack, StreamView, type WebSocketConstructor } from "@ringside/client";
import { WebSocket as NodeSocket } from "ws";
import { type Person, Pop } from "./support/binary.ts";
import { DESKTOP, openPage } from "./support/chromium.ts";
import { eventually, opened, press, type Visitor, visitor, withBrowser } from "./support/stage.ts";

withBrowser();

let pop: Pop;
before(async () => {
  pop = await Pop.start();
});
after(() => pop?.close());

const MODERATOR: Person = { user: "lena", name: "Lena", role: "moderator" };
/** Different enough that nobody takes them for a flood. */
const WORDS = [
  "corner",
  "rain",
  "pit stop",
  "lap",
  "tyres",
  "overtake",
  "radio",
  "finish",
  "grid",
  "flag",
  "podium",
];
const nodeSocket = NodeSocket as unknown as WebSocketConstructor;

/** Opens the page for each person, on a stream of the test's own, and closes it after. */
function scene(
  stream: string,
  name: string,
  play: (visit: (person?: Person) => Promise<Visitor>) => Promise<void>,
): void {
  test(name, async () => {
    const closers: (() => Promise<void>)[] = [];
    const troubles: string[][] = [];
    try {
      await play(async (person) => {
        const opening = await openPage(opened(), await pop.link(stream, person), DESKTOP);
        closers.push(opening.close);
        troubles.push(opening.troubles);
        const one = visitor(opening.page);
        await one.page.getByText("Live", { exact: true }).waitFor();
        return one;
      });
    } finally {
      for (const close of closers) await close();
    }
    assert.deepEqual(troubles.flat(), []);
  });
}

async function tool(visitor: Visitor, text: string, name: string): Promise<void> {
  const row = await visitor.sees(text);
  await press(row, name);
}

scene("talk", "two viewers talk: each comment is on each screen once", async (visit) => {
  const ann = await visit({ user: "ann", name: "Ann" });
  const bob = await visit({ user: "bob", name: "Bob" });
  const guest = await visit();
  await ann.say("hello <i>everyone</i> 👋 https://example.org");
  await bob.sees("hello <i>everyone</i> 👋");
  await tool(bob, "hello", "Reply: Ann’s comment");
  await bob.say("hello @ann");
  await (await ann.sees("hello @ann")).locator(".quote.to-me").waitFor();
  await ann.page.locator(".row.mentioned").waitFor();
  await guest.sees("hello @ann");
  for (const one of [ann, bob, guest]) await eventually(() => one.rows.count(), 2);
  await ann.page.getByRole("button", { name: "1 reply" }).waitFor();
  // Who comes later reads the same.
  const late = await visit();
  await late.sees("hello @ann");
  assert.equal(await late.rows.count(), 2);
});

scene("react", "likes and emoji reach everyone, and a count of viewers is shown", async (visit) => {
  const ann = await visit({ user: "ann", name: "Ann" });
  const bob = await visit({ user: "bob", name: "Bob" });
  await ann.say("like me");
  await tool(bob, "like me", "Like: Ann’s comment");
  await (await ann.sees("like me")).getByRole("button", { name: "1 like", exact: true }).waitFor();
  // One's own like is known after a reload, and nobody else's is taken for it.
  const like = { name: "1 like", exact: true };
  await bob.page.reload();
  await (await bob.sees("like me")).getByRole("button", { ...like, pressed: true }).waitFor();
  await (await ann.sees("like me")).getByRole("button", { ...like, pressed: false }).waitFor();
  const fire = bob.page.getByRole("button", { name: /^fire/ });
  for (let tap = 0; tap < 5; tap += 1) await fire.click();
  await ann.page.getByRole("button", { name: "fire, 5 so far" }).waitFor();
  await eventually(
    () =>
      ann.page
        .locator(".viewers")
        .textContent()
        .then((text) => text?.trim().startsWith("2")),
    true,
  );
});

scene("change", "one's own comment is changed and deleted on every screen", async (visit) => {
  const ann = await visit({ user: "ann", name: "Ann" });
  const bob = await visit({ user: "bob", name: "Bob" });
  await ann.say("a tipo");
  await tool(ann, "a tipo", "Edit: Ann’s comment");
  await eventually(() => ann.field.inputValue(), "a tipo");
  await ann.say("a typo");
  await (await bob.sees("a typo")).getByText("(edited)").waitFor();
  await tool(ann, "a typo", "Delete: Ann’s comment");
  await bob.page.getByText("Deleted by its author").waitFor();
});

scene("limits", "who is too fast sees the wait run down and keeps the text", async (visit) => {
  const ann = await visit({ user: "fast", name: "Fast" });
  for (let n = 1; n <= 5; n += 1) {
    await ann.say(`thought number ${n} of this evening`);
    await ann.sees(`thought number ${n}`);
    await eventually(() => ann.page.getByText("Sending…").count(), 0);
  }
  await ann.say("one too many");
  await ann.page
    .locator(".note")
    .getByText(/You can comment again in/)
    .waitFor();
  await eventually(() => ann.field.inputValue(), "one too many");
  assert.equal(await ann.rows.count(), 5);
});

scene("rules", "a moderator's settings hold from the moment they are made", async (visit) => {
  const lena = await visit(MODERATOR);
  const ann = await visit({ user: "ruled", name: "Ann" });
  await lena.page.getByRole("button", { name: "Stream settings" }).click();
  await lena.page.getByRole("textbox", { name: /Blocked terms/ }).fill("spoiler");
  await lena.page.getByRole("button", { name: "Save terms" }).click();
  await eventually(() => lena.page.getByRole("button", { name: "Save terms" }).isDisabled(), true);
  await ann.say("the spoiler is that he wins");
  await ann.rows.getByText(/^Not shown/).waitFor();

  await lena.page.getByRole("switch", { name: /Review first/ }).click();
  await ann.page.getByText("Comments are reviewed first").waitFor();
  await ann.say("may I say this?");
  await ann.rows.getByText("Waits for a moderator").waitFor();
  await lena.page.getByRole("button", { name: "Review queue, 1 waiting" }).click();
  const queue = lena.page.getByRole("complementary", { name: "Review queue" });
  await queue.getByText("may I say this?").waitFor();
  const bob = await visit({ user: "bob", name: "Bob" });
  assert.equal(await bob.rows.count(), 0);
  await queue.getByRole("button", { name: "Approve" }).click();
  await bob.sees("may I say this?");
  await eventually(() => ann.rows.getByText("Waits for a moderator").count(), 0);

  await tool(lena, "may I say this?", "Pin: Ann’s comment");
  await bob.page.getByLabel("Pinned comment").getByText("may I say this?").waitFor();
  await tool(lena, "may I say this?", "Remove: Ann’s comment");
  await bob.page.getByText("Removed by a moderator").waitFor();
  await lena.page.getByRole("button", { name: "Stream settings" }).click();
  await lena.page.getByRole("switch", { name: /Close comments/ }).click();
  await ann.page.getByText("Comments are closed.").waitFor();
});

scene("wall", "where WebSocket is blocked the page lives on server-sent events", async (visit) => {
  const context = await opened().newContext(DESKTOP);
  const page = await context.newPage();
  await page.addInitScript(() => {
    // A proxy that knows no upgrade.
    window.WebSocket = class extends WebSocket {
      constructor(_: string | URL, names?: string | string[]) {
        super("ws://127.0.0.1:9", names);
      }
    };
  });
  await page.goto(await pop.link("wall", { user: "walled", name: "Walled" }));
  const walled = visitor(page);
  await page.getByText("Live", { exact: true }).waitFor();
  const bob = await visit({ user: "bob2", name: "Bob" });
  await bob.say("can you hear me?");
  await walled.sees("can you hear me?");
  await walled.say("loud and clear");
  await bob.sees("loud and clear");
  await eventually(() => walled.rows.count(), 2);
  await context.close();
});

for (const codec of [json, msgpack]) {
  test(`the client library in Node talks ${codec.subprotocol} with the program`, async () => {
    const stream = `node-${codec.subprotocol.split(".").at(-1)}`;
    const make = async (person?: Person) => {
      const options = { url: pop.url, stream, codecs: [codec], webSocket: nodeSocket };
      const client = new Client(person ? { ...options, token: await pop.token(person) } : options);
      const view = new StreamView(client);
      client.connect();
      await eventually(() => client.state.phase, "live");
      return { client, view };
    };
    const ann = await make({ user: `ann-${stream}`, name: "Ann" });
    const guest = await make();
    const texts = () =>
      guest.view.timeline.entries.map((entry) => (entry.kind === "comment" ? entry.comment.text : "-"));
    const outcome = await ann.client.comment("from Node 🎧", { reference: "r-1" });
    assert.equal(outcome.status, "accepted");
    assert.deepEqual(await ann.client.comment("from Node 🎧", { reference: "r-1" }), outcome);
    await eventually(texts, ["from Node 🎧"]);
    const id = outcome.status === "accepted" ? outcome.id : "";
    assert.equal((await ann.client.edit(id, "edited in Node")).status, "accepted");
    await eventually(texts, ["edited in Node"]);
    assert.equal((await ann.client.react(id, "like")).status, "done");
    await eventually(() => guest.view.timeline.find(id)?.comment.likes, 1);
    assert.equal((await guest.client.comment("as a guest")).status, "error");
    assert.equal((await ann.client.pin(id)).status, "error");
    assert.deepEqual(
      (await guest.client.rest.page()).items.map((comment) => comment.text),
      ["edited in Node"],
    );
    assert.equal((await ann.client.delete(id)).status, "done");
    await eventually(() => guest.view.timeline.find(id)?.removedBy, "author");
    ann.client.close();
    guest.client.close();
  });
}

scene("busy", "fifty comments a second are shown in the order in which they are kept", async (visit) => {
  const reader = await visit();
  const people = await Promise.all(
    Array.from({ length: 50 }, async (_, n) => pop.token({ user: `busy-${n}`, name: `Busy ${n}` })),
  );
  const sent: Promise<Response>[] = [];
  // Five each: what one person may say in a minute.
  for (let n = 0; n < 250; n += 1) {
    sent.push(
      fetch(`${pop.url}/v1/streams/busy/comments`, {
        method: "POST",
        headers: { authorization: `Bearer ${people[n % people.length]}`, "content-type": "application/json" },
        body: JSON.stringify({ text: `${WORDS[n % WORDS.length]} ${n} ${WORDS[(n * 7) % WORDS.length]}` }),
      }),
    );
    await new Promise((done) => setTimeout(done, 20));
  }
  const answers = await Promise.all(sent);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
  await eventually(() => reader.rows.count(), 250);
  const shown = await reader.page.locator(".row .text").allTextContents();
  const kept: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await fetch(
      `${pop.url}/v1/streams/busy/comments?page_size=100${cursor && `&cursor=${cursor}`}`,
    );
    const { items, next } = (await page.json()) as { items: { text: string }[]; next: string | null };
    kept.push(...items.map(({ text }) => text));
    if (next === null) break;
    cursor = next;
  }
  assert.deepEqual(shown, kept.reverse());
});

scene("drain", "a host that is stopped and started again loses no viewer and no comment", async (visit) => {
  const ann = await visit({ user: "patient", name: "Ann" });
  await ann.say("before the restart");
  await ann.sees("before the restart");
  await pop.kill("SIGTERM");
  await ann.page.getByText("Reconnecting…").waitFor();
  await pop.serve();
  await ann.page.getByText("Live", { exact: true }).waitFor();
  await ann.say("after the restart");
  await ann.sees("after the restart");
  await eventually(
    () => ann.page.locator(".row .text").allTextContents(),
    ["before the restart", "after the restart"],
  );
});

/** Kills the program, so it comes last. */
scene(
  "crash",
  "a host that is killed and started again has lost nothing, and its viewers come back",
  async (visit) => {
    const ann = await visit({ user: "steady", name: "Ann" });
    const reader = await visit();
    await ann.say("before the crash");
    await reader.sees("before the crash");
    await pop.kill();
    await ann.page.getByText("Reconnecting…").waitFor();
    await ann.say("during the crash");
    await ann.rows.getByText("Sending…").waitFor();
    await pop.serve();
    await reader.sees("during the crash");
    await eventually(() => ann.page.getByText("Sending…").count(), 0);
    for (const one of [ann, reader]) {
      const texts = await one.page.locator(".row .text").allTextContents();
      assert.deepEqual(texts, ["before the crash", "during the crash"]);
    }
  },
);
