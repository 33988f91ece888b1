import assert from "node:assert/strict";
import { PHONE } from "./support/chromium.ts";
import { converse } from "./support/fake.ts";
import { eventually, press, scene, withBrowser } from "./support/stage.ts";

withBrowser();

scene("a comment is shown at once, then once, in both orders of reply and batch", async ({ host, visit }) => {
  const viewer = await visit({ name: "Mira" });
  for (const batchFirst of [false, true]) {
    host.batchFirst = batchFirst;
    host.silent = true;
    await viewer.say(`hello, ${batchFirst}`);
    const row = await viewer.sees(`hello, ${batchFirst}`);
    await row.getByText("Sending…").waitFor();
    // Its answer never comes on this connection; on the next one the same reference is sent.
    host.silent = false;
    for (const session of host.open) session.socket.terminate();
    await eventually(() => row.getByText("Sending…").count(), 0);
    await viewer.page.waitForTimeout(200);
    assert.equal(await viewer.rows.filter({ hasText: `hello, ${batchFirst}` }).count(), 1);
  }
  assert.equal(host.stream().comments.length, 2);
});

scene("another viewer sees a comment, likes it and answers it", async ({ host, visit }) => {
  const mira = await visit({ name: "Mira" });
  const kofi = await visit({ name: "Kofi" });
  await mira.say("does anyone like this?");
  const row = await kofi.sees("does anyone like this?");
  await press(row, "Like: Mira’s comment");
  await (await mira.sees("does anyone like this?")).getByRole("button", { name: "1 like" }).waitFor();
  await press(row, "Reply: Mira’s comment");
  await kofi.page.getByText("Replying to").waitFor();
  await kofi.say("I do");
  const answer = await mira.sees("I do");
  await answer.locator(".quote.to-me").getByText("does anyone like this?").waitFor();
  await mira.page.getByRole("button", { name: "1 reply" }).waitFor();
  // And changes their mind.
  await row.getByRole("button", { name: "1 like" }).click();
  await eventually(() => mira.page.getByRole("button", { name: "1 like" }).count(), 0);
  assert.equal(host.stream().comments.length, 2);
});

scene("a rejected comment says why, and can be mended", async ({ visit }) => {
  const viewer = await visit({ name: "Mira" });
  await viewer.say("such a badword");
  const row = await viewer.sees("such a badword");
  await row.getByText("This word is not allowed here.").waitFor();
  await row.getByRole("button", { name: "Edit" }).click();
  await eventually(() => viewer.field.inputValue(), "such a badword");
  await viewer.say("such a good word");
  await viewer.sees("such a good word");
  assert.equal(await viewer.rows.count(), 1);
});

scene("who is too fast sees the wait run down and keeps the text", async ({ host, visit }) => {
  const viewer = await visit({ name: "Mira" });
  host.limitedUntilMs.set("mira", Date.now() + 3_000);
  await viewer.say("I have so much to say");
  await viewer.page
    .locator(".note")
    .getByText(/You can comment again in \d s/)
    .waitFor();
  await eventually(() => viewer.field.inputValue(), "I have so much to say");
  assert.equal(await viewer.rows.count(), 0);
  await viewer.field.press("Enter");
  assert.equal(host.stream().comments.length, 0);
  await eventually(
    () =>
      viewer.page
        .locator(".note")
        .getByText(/You can comment again/)
        .count(),
    0,
  );
  await viewer.field.press("Enter");
  await viewer.sees("I have so much to say");
});

scene("slow mode holds the next comment back by itself", async ({ host, visit }) => {
  host.stream().settings.slow_mode_s = 30;
  const viewer = await visit({ name: "Mira" });
  await viewer.say("one");
  await viewer.sees("one");
  await viewer.page
    .locator(".note")
    .getByText(/You can comment again in (30|29) s/)
    .waitFor();
});

scene(
  "a held comment is seen by its author, approved by a moderator, then seen by all",
  async ({ host, visit }) => {
    host.stream().settings.hold_for_review = true;
    const mira = await visit({ name: "Mira" });
    const kofi = await visit({ name: "Kofi" });
    const lena = await visit({ name: "Lena", role: "moderator" });
    await mira.say("may I?");
    await (await mira.sees("may I?")).getByText("Waits for a moderator").waitFor();
    await lena.page.getByRole("button", { name: "Review queue, 1 waiting" }).click();
    const queue = lena.page.getByRole("complementary", { name: "Review queue" });
    await queue.getByText("may I?").waitFor();
    assert.equal(await kofi.rows.count(), 0);
    await queue.getByRole("button", { name: "Approve" }).click();
    await kofi.sees("may I?");
    await eventually(() => mira.rows.getByText("Waits for a moderator").count(), 0);
    await queue.getByText("Nothing waits.").waitFor();
    assert.deepEqual([await mira.rows.count(), await kofi.rows.count(), await lena.rows.count()], [1, 1, 1]);
  },
);

scene("what was flagged before a moderator came is in their queue", async ({ host, visit }) => {
  host.stream().comment({ id: "troll", name: "Troll" }, "held since yesterday", { held: true });
  const lena = await visit({ name: "Lena", role: "moderator" });
  await lena.page.getByRole("button", { name: "Review queue, 1 waiting" }).click();
  await lena.page
    .getByRole("complementary", { name: "Review queue" })
    .getByText("held since yesterday")
    .waitFor();
});

scene("a moderator removes, pins, and sets how the chat works", async ({ host, visit }) => {
  const lena = await visit({ name: "Lena", role: "moderator" });
  const mira = await visit({ name: "Mira" });
  host.say("Troll", "spam spam");
  host.say("Ann", "a good point");
  const bad = await lena.sees("spam spam");
  await press(bad, "Remove: Troll’s comment");
  await mira.page.getByText("Removed by a moderator").waitFor();
  const good = await lena.sees("a good point");
  await press(good, "Pin: Ann’s comment");
  await mira.page.getByLabel("Pinned comment").getByText("a good point").waitFor();

  await lena.page.getByRole("button", { name: "Stream settings" }).click();
  await lena.page.getByRole("combobox", { name: /Slow mode/ }).selectOption("60");
  await lena.page.getByRole("switch", { name: /Emoji only/ }).click();
  await lena.page.getByRole("textbox", { name: /Blocked terms/ }).fill("spoiler\nthe end");
  await lena.page.getByRole("button", { name: "Save terms" }).click();
  await mira.page.getByText("Slow mode: 1 min").waitFor();
  await mira.page.getByText("Emoji only").waitFor();
  await eventually(() => host.stream().settings.blocked_terms, ["spoiler", "the end"]);
  await lena.page.getByRole("switch", { name: /Close comments/ }).click();
  await mira.page.getByText("Comments are closed.").waitFor();
  await lena.page.getByRole("button", { name: "Unpin" }).click();
  await eventually(() => mira.page.getByLabel("Pinned comment").count(), 0);
});

scene("terms that a moderator writes outlast settings that change meanwhile", async ({ host, visit }) => {
  const lena = await visit({ name: "Lena", role: "moderator" });
  const { page } = lena;
  await page.getByRole("button", { name: "Stream settings" }).click();
  const terms = page.getByRole("textbox", { name: /Blocked terms/ });
  const change = (fields: object) => {
    const stream = host.stream();
    Object.assign(stream.settings, fields);
    host.publish(stream, { type: "settings", ...stream.settings });
    host.flush();
  };
  change({ blocked_terms: ["theirs"] });
  await eventually(() => terms.inputValue(), "theirs");
  await terms.fill("theirs\nmine");
  change({ emoji_only: true });
  await page.locator(".rules").getByText("Emoji only").waitFor();
  change({ blocked_terms: ["theirs", "newer"], slow_mode_s: 5 });
  await page.locator(".rules").getByText("Slow mode: 5 s").waitFor();
  assert.equal(await terms.inputValue(), "theirs\nmine");
  await page.getByRole("button", { name: "Save terms" }).click();
  await eventually(() => host.stream().settings.blocked_terms, ["theirs", "mine"]);
});

scene("one's own comment can be changed and deleted", async ({ visit }) => {
  const mira = await visit({ name: "Mira" });
  const kofi = await visit({ name: "Kofi" });
  await mira.say("I have a tipo");
  await mira.field.fill("half a thought");
  const row = await mira.sees("I have a tipo");
  await press(row, "Edit: Mira’s comment");
  await mira.page.getByText("Editing your comment").waitFor();
  await eventually(() => mira.field.inputValue(), "I have a tipo");
  await mira.say("I have a typo");
  await (await kofi.sees("I have a typo")).getByText("(edited)").waitFor();
  await eventually(() => mira.field.inputValue(), "half a thought");
  const changed = await mira.sees("I have a typo");
  await press(changed, "Delete: Mira’s comment");
  await kofi.page.getByText("Deleted by its author").waitFor();
});

scene("emoji fly and are counted for everyone", async ({ host, visit }) => {
  const mira = await visit({ name: "Mira" });
  const kofi = await visit({ name: "Kofi" });
  const fire = (visitor: typeof mira) => visitor.page.getByRole("button", { name: /^fire/ });
  for (let tap = 0; tap < 7; tap += 1) await fire(mira).click();
  await kofi.page.getByRole("button", { name: "fire, 7 so far" }).waitFor();
  const commands = host.sessions.flatMap((session) =>
    session.received.filter(({ type }) => type === "emoji"),
  );
  assert.ok(commands.length < 7, `${commands.length} commands for 7 taps`);
});

scene("who wants less motion sees none", async ({ visit }) => {
  const calm = await visit({ name: "Mira" }, { reducedMotion: "reduce" });
  await calm.page.getByRole("button", { name: /^fire/ }).click();
  await calm.page.getByRole("button", { name: "fire, 1 so far" }).waitFor();
  assert.equal(await calm.page.locator(".floats span").count(), 0);
});

scene("a mention is completed, reaches its user, and stands out", async ({ host, visit }) => {
  const mira = await visit({ name: "Mira" });
  const kofi = await visit({ name: "Kofi" });
  await mira.say("hello");
  await kofi.sees("hello");
  await kofi.field.pressSequentially("hi @mi");
  await kofi.page.getByRole("option", { name: "Mira" }).waitFor();
  await kofi.field.press("Enter");
  await eventually(() => kofi.field.inputValue(), "hi @mira ");
  await kofi.field.press("Enter");
  await mira.page.locator(".row.mentioned").getByText("@mira").waitFor();
  const author = { id: "kofi", name: "Kofi" };
  const comment = host.stream("other").comment(author, "come over @mira");
  host.notice("mention", "Kofi mentioned you", 0, { stream: "other", comment });
  await mira.page.locator(".toast").getByText("Kofi mentioned you in other").waitFor();
});

scene("a comment that finds no connection can be sent again as the same comment", async ({ host, visit }) => {
  const mira = await visit({ name: "Mira" });
  await mira.page.clock.install();
  await host.stop();
  await mira.page.getByText("Reconnecting…").waitFor();
  await mira.say("into the void");
  await mira.page.clock.fastForward(61_000);
  const row = await mira.sees("into the void");
  await row.getByText("Not sent").waitFor();
  await host.start();
  await mira.page.clock.fastForward(31_000);
  await mira.page.getByText("Live", { exact: true }).waitFor();
  await row.getByRole("button", { name: "Send again" }).click();
  await mira.page.clock.fastForward(1_000);
  await eventually(() => row.locator(".fate").count(), 0);
  assert.equal(host.stream().comments.length, 1);
  assert.equal(await mira.rows.count(), 1);
});

scene("everything can be done with the keyboard", async ({ host, visit }) => {
  const mira = await visit({ name: "Mira" });
  host.say("Ann", "first");
  host.say("Bob", "second");
  await mira.sees("second");
  await mira.page.locator(".list").focus();
  await mira.page.keyboard.press("ArrowUp");
  await mira.page.keyboard.press("ArrowUp");
  await mira.page.keyboard.press("l");
  await mira.page.getByRole("button", { name: "1 like" }).waitFor();
  await mira.page.keyboard.press("r");
  await mira.page.getByText("Replying to").waitFor();
  await mira.page.keyboard.type("from the keyboard");
  await mira.page.keyboard.press("Enter");
  await mira.sees("from the keyboard");
  assert.equal(host.stream().comments.at(-1)?.reply_to, host.stream().comments[0]?.id);
  // Tab goes from a comment to its tools.
  await mira.page.locator(".list").focus();
  await mira.page.keyboard.press("ArrowUp");
  await mira.page.keyboard.press("Shift+Tab");
  await mira.page.locator(".list").focus();
  await mira.page.keyboard.press("Home");
  for (let n = 0; n < 8; n += 1) {
    await mira.page.keyboard.press("Tab");
    const label = await mira.page.evaluate(() =>
      document.querySelector("ringside-chat")?.shadowRoot?.activeElement?.getAttribute("aria-label"),
    );
    if (label === "Dislike: Ann’s comment") {
      await mira.page.keyboard.press("Enter");
      return mira.page.getByRole("button", { name: "1 dislike" }).waitFor();
    }
  }
  assert.fail("Tab never reached the tools of the comment");
});

scene(
  "a screen reader is told of new comments now and then, and of mentions at once",
  async ({ host, visit }) => {
    const mira = await visit({ name: "Mira" });
    const spoken = mira.page.locator("[aria-live=polite]");
    for (let n = 1; n <= 30; n += 1) host.say("Ann", `number ${n}`);
    host.say("Bob", "@mira listen");
    await eventually(() => spoken.textContent(), "Bob mentioned you: @mira listen");
    await eventually(() => spoken.textContent(), "30 new comments. Last, Ann: number 30");
  },
);

scene("on a phone a tap opens what can be done with a comment", async ({ host, visit }) => {
  converse(host, 20);
  const mira = await visit({ name: "Mira" }, PHONE);
  host.say("Ann", "tap me");
  const row = await mira.sees("tap me");
  await row.locator(".text").tap();
  await row.getByRole("button", { name: "Reply: Ann’s comment", exact: true }).tap();
  await mira.page.getByText("Replying to").waitFor();
  const wide = await mira.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false);
});
