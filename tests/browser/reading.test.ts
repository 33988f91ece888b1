import assert from "node:assert/strict";
import { PHONE } from "./support/chromium.ts";
import { converse, talk } from "./support/fake.ts";
import { eventually, scene, type Visitor, withBrowser } from "./support/stage.ts";

withBrowser();

const fromEnd = ({ page }: Visitor) =>
  page.locator(".list").evaluate((box) => Math.round(box.scrollHeight - box.scrollTop - box.clientHeight));

async function scrollUp({ page }: Visitor, pixels: number): Promise<void> {
  await page.locator(".list").hover();
  await page.mouse.wheel(0, -pixels);
}

scene("a guest reads the history and what comes, and is told how to take part", async ({ host, visit }) => {
  host.stream().comment({ id: "bob", name: "Bob" }, "said before");
  const guest = await visit();
  await guest.sees("said before");
  host.say("Ann", "said <b>now</b>");
  await guest.sees("said <b>now</b>");
  await guest.page.getByText("You are reading as a guest").waitFor();
  assert.equal(await guest.field.count(), 0);
  assert.ok(await guest.page.getByRole("button", { name: /^fire/ }).isDisabled());
});

scene("at 50 comments a second the list follows the newest and stays bounded", async ({ host, visit }) => {
  const viewer = await visit({ name: "Mira" });
  const stop = talk(host, 50);
  await eventually(async () => (await viewer.rows.count()) >= 300, true);
  await viewer.page.waitForTimeout(1_000);
  stop();
  host.say("Ann", "the last word");
  await viewer.sees("the last word");
  assert.equal(await viewer.rows.count(), 300);
  assert.equal(await fromEnd(viewer), 0);
});

scene("a reader who scrolls up is left in peace, and comes back with one press", async ({ host, visit }) => {
  converse(host, 60);
  const viewer = await visit({ name: "Mira" });
  await scrollUp(viewer, 400);
  const jump = viewer.page.locator(".jump");
  await jump.waitFor();
  const place = () => viewer.page.locator(".list").evaluate((box) => box.scrollTop);
  const before = await place();
  for (let n = 1; n <= 40; n += 1) host.say("Ann", `new ${n}`);
  await viewer.page.getByText("+40 new").waitFor();
  assert.equal(await place(), before);
  assert.equal(await viewer.rows.filter({ hasText: "new 40" }).count(), 0);
  await jump.click();
  await viewer.sees("new 40");
  await eventually(() => fromEnd(viewer), 0);
  assert.equal(await jump.count(), 0);
});

scene("a reader who scrolls back down to the end follows again", async ({ host, visit }) => {
  converse(host, 60);
  const viewer = await visit({ name: "Mira" });
  await scrollUp(viewer, 300);
  await viewer.page.locator(".jump").waitFor();
  host.say("Ann", "meanwhile");
  await viewer.page.getByText("+1 new").waitFor();
  await viewer.page.mouse.wheel(0, 5_000);
  await viewer.sees("meanwhile");
  host.say("Ann", "afterwards");
  await viewer.sees("afterwards");
  await eventually(() => fromEnd(viewer), 0);
});

scene("scrolling to the top loads older comments without moving what is read", async ({ host, visit }) => {
  const text = (n: number) =>
    `number ${n} ${n % 3 === 0 ? "with a text that is long enough for a second line ".repeat(3) : ""}`.trim();
  for (let n = 0; n < 130; n += 1) host.stream().comment({ id: "bob", name: "Bob" }, text(n));
  const viewer = await visit({ name: "Mira" });
  await viewer.sees("number 129");
  assert.equal(await viewer.rows.count(), 50);
  const list = viewer.page.locator(".list");
  const place = (n: number) =>
    viewer.page
      .locator(".text", { hasText: new RegExp(`^number ${n}( |$)`) })
      .evaluate((text) => Math.round(text.getBoundingClientRect().top));
  // The oldest comment shown stays where it is when older ones come in above it, one page or two.
  for (;;) {
    const { oldest, before } = await list.evaluate((box) => {
      box.scrollTop = 60;
      const text = box.querySelector(".row .text");
      const oldest = Number(/^number (\d+)/.exec(text?.textContent ?? "")?.[1]);
      return { oldest, before: Math.round(text?.getBoundingClientRect().top ?? Number.NaN) };
    });
    if (oldest === 0) break;
    await eventually(async () => (await viewer.rows.count()) > 130 - oldest, true);
    await viewer.page.waitForTimeout(300);
    assert.ok(
      Math.abs((await place(oldest)) - before) <= 2,
      `${oldest} moved from ${before} to ${await place(oldest)}`,
    );
  }
  await list.evaluate((box) => {
    box.scrollTop = 0;
  });
  await viewer.page.getByText("The chat begins here.").waitFor();
  const texts = await viewer.page.locator(".row .text").allTextContents();
  assert.deepEqual(
    texts,
    Array.from({ length: 130 }, (_, n) => text(n)),
  );
});

scene("what a long pause has missed is a gap that can be loaded", async ({ host, visit }) => {
  converse(host, 60);
  const viewer = await visit({ name: "Mira" });
  await scrollUp(viewer, 300);
  await viewer.page.locator(".jump").waitFor();
  for (let n = 1; n <= 400; n += 1) host.say("Ann", `missed ${n}`);
  await viewer.page.getByText("+400 new").waitFor();
  await viewer.page.mouse.wheel(0, 5_000);
  const gap = viewer.page.getByRole("button", { name: /comments are not shown: load/ });
  await gap.waitFor();
  await gap.click();
  await viewer.sees("missed 1");
});

scene("a quote leads to what it answers, and replies open as a thread", async ({ host, visit }) => {
  const { id } = host.say("Ann", "where is it?");
  converse(host, 30);
  host.say("Bob", "over there", { reply_to: id });
  const viewer = await visit({ name: "Mira" });
  const row = await viewer.sees("over there");
  await row.getByText("where is it?").click();
  await eventually(
    () =>
      viewer.page.evaluate(() =>
        document
          .querySelector("ringside-chat")
          ?.shadowRoot?.activeElement?.textContent?.includes("where is it?"),
      ),
    true,
  );
  await viewer.page.getByRole("button", { name: "1 reply" }).first().click();
  const thread = viewer.page.getByRole("dialog", { name: "Replies" });
  await thread.getByText("over there").waitFor();
  host.say("Cem", "and here", { reply_to: id });
  await thread.getByText("and here").waitFor();
  await viewer.page.keyboard.press("Escape");
  await eventually(() => thread.count(), 0);
});

scene("settings, pins, viewers, totals and sampling are shown as they change", async ({ host, visit }) => {
  const viewer = await visit({ name: "Mira" });
  const stream = host.stream();
  const pinned = host.say("Lena", "be kind to each other");
  host.publish(stream, { type: "pinned", comment: pinned });
  host.publish(stream, { type: "settings", ...stream.settings, slow_mode_s: 30, links_allowed: false });
  host.publish(stream, { type: "viewers", count: 12_345 }, { type: "emoji", totals: { "🔥": 1_500 } });
  host.flush();
  const { page } = viewer;
  await page.getByLabel("Pinned comment").getByText("be kind to each other").waitFor();
  await page.getByText("Slow mode: 30 s").waitFor();
  await page.getByText("No links").waitFor();
  await page.getByText("12.3K").waitFor();
  await page.getByRole("button", { name: "fire, 1.5K so far" }).waitFor();
  host.notice("banner", "Half of the comments are shown.", 50);
  await page.getByText("Half of the comments are shown.").waitFor();
  host.notice("banner_ended", "", 100);
  await eventually(() => page.locator(".sampling").count(), 0);
  host.publish(stream, { type: "settings", ...stream.settings, closed: true });
  host.publish(stream, { type: "pinned", comment: null });
  host.flush();
  await page.getByText("Comments are closed.").waitFor();
  await eventually(() => page.getByLabel("Pinned comment").count(), 0);
});

scene("a comment that is taken back leaves no word of it", async ({ host, visit }) => {
  const viewer = await visit({ name: "Mira" });
  const { id } = host.say("Ann", "something awful");
  await viewer.sees("something awful");
  host.publish(host.stream(), { type: "removed", comment: id, by: "policy" });
  host.flush();
  await viewer.page.getByText("Removed by the rules of this chat").waitFor();
  assert.equal(await viewer.page.getByText("something awful").count(), 0);
});

scene("a break is shown quietly, and nothing is missed or shown twice", async ({ host, visit }) => {
  const viewer = await visit({ name: "Mira" });
  host.say("Ann", "before the break");
  await viewer.sees("before the break");
  await host.stop();
  await viewer.page.getByText("Reconnecting…").waitFor();
  await viewer.field.fill("written meanwhile");
  host.say("Ann", "during the break");
  await host.start();
  await viewer.sees("during the break");
  await viewer.page.getByText("Live", { exact: true }).waitFor();
  assert.equal(await viewer.field.inputValue(), "written meanwhile");
  assert.deepEqual(await viewer.page.locator(".row .text").allTextContents(), [
    "before the break",
    "during the break",
  ]);
});

scene("on a drain the page moves without a word", async ({ host, visit }) => {
  const viewer = await visit({ name: "Mira" });
  const seen = viewer.page.locator(".live");
  const words: string[] = [];
  const watch = setInterval(
    () =>
      void seen.textContent().then(
        (word) => words.push(word ?? ""),
        () => {},
      ),
    20,
  );
  host.notice("drain", "", 300);
  host.say("Ann", "during the move");
  await eventually(() => host.sessions.length, 2);
  await eventually(() => host.open.length, 1);
  host.say("Ann", "after the move");
  await viewer.sees("after the move");
  clearInterval(watch);
  assert.deepEqual(await viewer.page.locator(".row .text").allTextContents(), [
    "during the move",
    "after the move",
  ]);
  assert.deepEqual([...new Set(words)], ["Live"]);
});

scene("where WebSocket is blocked the page reads and writes all the same", async ({ host, visit }) => {
  host.socketsBlocked = true;
  const viewer = await visit({ name: "Mira" });
  host.say("Ann", "through the wall");
  await viewer.sees("through the wall");
  await viewer.say("and back");
  await viewer.sees("and back");
  assert.equal(await viewer.rows.count(), 2);
});

scene("who is banned is told, and a sign-in that has ended lets read on", async ({ host, visit }) => {
  const banned = await visit({ name: "Troll" });
  host.close(4504);
  await banned.page.getByRole("alert").getByText("banned").waitFor();
  const viewer = await visit({ name: "Mira" });
  host.close(4503);
  await viewer.page.getByRole("button", { name: "Read on as a guest" }).click();
  host.say("Ann", "hello guest");
  await viewer.sees("hello guest");
  await viewer.page.getByText("You are reading as a guest").waitFor();
});

scene("the colours follow the system until they are chosen, and stay chosen", async ({ visit }) => {
  const viewer = await visit({ name: "Mira" }, { ...PHONE, colorScheme: "dark" });
  const surface = () =>
    viewer.page.locator("ringside-chat").evaluate((chat) => getComputedStyle(chat).backgroundColor);
  assert.equal(await surface(), "rgb(21, 23, 28)");
  await viewer.page.getByRole("button", { name: /^Colours/ }).click();
  assert.equal(await surface(), "rgb(255, 255, 255)");
  await viewer.page.reload();
  await viewer.page.getByText("Live", { exact: true }).waitFor();
  assert.equal(await surface(), "rgb(255, 255, 255)");
});
