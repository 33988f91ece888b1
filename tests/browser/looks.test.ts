/** Pictures of the page as people meet it, in `web/dist/pictures`: to be looked at, and checked for accessibility. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { FakeHost } from "#fake-host";
import { DESKTOP, launch, openPage, PHONE } from "./support/chromium.ts";
import { converse, fakeHost, talk } from "./support/fake.ts";

const PICTURES = fileURLToPath(new URL("../pictures", import.meta.url));

let browser: Browser;
before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await launch();
});
after(() => browser.close());

interface Scene {
  name: string;
  options?: BrowserContextOptions;
  user?: { name: string; role?: "viewer" | "moderator" };
  play: (page: Page, host: FakeHost) => Promise<unknown>;
}

const shown = (page: Page) => page.locator(".row").last().waitFor();
const viewer = { name: "Mira" };
const moderator = { name: "Lena", role: "moderator" as const };

const SCENES: Scene[] = [
  { name: "at-rest", user: viewer, play: shown },
  { name: "at-rest-dark", user: viewer, options: { ...DESKTOP, colorScheme: "dark" }, play: shown },
  { name: "guest-phone", options: PHONE, play: shown },
  { name: "phone-dark", options: { ...PHONE, colorScheme: "dark" }, user: viewer, play: shown },
  {
    name: "empty",
    user: viewer,
    play: async (page, host) => {
      host.stream().comments = [];
      await page.reload();
      await page.getByText("No comments yet").waitFor();
    },
  },
  {
    name: "busy-50-per-second",
    user: viewer,
    play: async (page, host) => {
      const stop = talk(host, 50);
      await page.waitForTimeout(3_000);
      host.notice("banner", "The chat is very fast: 50 % of comments are shown.", 50);
      host.flush();
      host.publish(host.stream(), { type: "emoji", totals: { "❤️": 1_260, "🔥": 15_400, "😂": 101 } });
      await page.waitForTimeout(700);
      stop();
    },
  },
  {
    name: "paused",
    user: viewer,
    play: async (page, host) => {
      await page.locator(".list").hover();
      await page.mouse.wheel(0, -500);
      await page.locator(".jump").waitFor();
      const stop = talk(host, 50);
      await page.waitForTimeout(1_000);
      stop();
      await page.locator(".row").nth(20).hover();
    },
  },
  {
    name: "own-comments",
    user: viewer,
    play: async (page, host) => {
      const field = page.getByLabel("Your comment");
      const send = async (text: string) => {
        await field.fill(text);
        await field.press("Enter");
      };
      await send("hello from Mira, watching since the start");
      await send("this has a badword in it");
      host.say("Kofi", "@mira welcome!");
      host.stream().settings.hold_for_review = true;
      await send("this one is held");
      await page.locator(".row.held").waitFor();
      host.silent = true;
      await send("still on its way");
      await page.getByText("Sending…").waitFor();
    },
  },
  {
    name: "rate-limited",
    user: viewer,
    options: PHONE,
    play: async (page, host) => {
      host.limitedUntilMs.set("mira", Date.now() + 12_000);
      host.publish(host.stream(), { type: "settings", ...host.stream().settings, slow_mode_s: 30 });
      host.flush();
      await page
        .getByLabel("Your comment")
        .fill("my text must not be lost, it took me a while to write all of it");
      await page.getByLabel("Your comment").press("Enter");
      await page.getByText("You can comment again in").first().waitFor();
    },
  },
  {
    name: "reconnecting",
    user: viewer,
    play: async (page, host) => {
      await host.stop();
      await page.getByText("No connection.").waitFor();
      await host.start();
    },
  },
  {
    name: "banned",
    user: viewer,
    play: async (page, host) => {
      host.close(4504, "banned");
      await page.getByRole("alert").waitFor();
    },
  },
  {
    name: "replying",
    user: viewer,
    options: PHONE,
    play: async (page, host) => {
      host.say("Kofi", "does anyone know where the next race is?");
      await page.locator(".row").last().locator(".body").tap();
      await page.waitForTimeout(200);
    },
  },
  {
    name: "thread",
    user: viewer,
    play: async (page, host) => {
      const { id } = host.say("Kofi", "does anyone know where the next race is?");
      host.say("Hana", "Suzuka, in two weeks", { reply_to: id });
      host.say("Ravi", "and after that Austin", { reply_to: id });
      await page.getByText("2 replies").click();
      await page.getByText("and after that Austin").last().waitFor();
    },
  },
  {
    name: "moderator-settings",
    user: moderator,
    play: async (page) => {
      await page.getByLabel("Stream settings").click();
      await page.getByText("Blocked terms").first().waitFor();
    },
  },
  {
    name: "moderator-queue",
    user: moderator,
    options: { ...DESKTOP, colorScheme: "dark" },
    play: async (page, host) => {
      host.stream().pinned = host.stream().comments[3] ?? null;
      host.publish(host.stream(), { type: "pinned", comment: host.stream().pinned });
      for (const text of ["is this allowed: https://example.org/win", "you all are clowns"]) {
        host.say("Dara", text, { held: true });
      }
      await page
        .getByLabel(/^Review queue/)
        .first()
        .click();
      await page.locator(".queue li").nth(1).waitFor();
      await page.locator(".row").nth(-5).hover();
    },
  },
];

for (const { name, options, user, play } of SCENES) {
  test(`the page is accessible and without errors: ${name}`, async () => {
    const host = await fakeHost();
    converse(host, 40);
    const { page, troubles, close } = await openPage(
      browser,
      `${host.url}/?stream=demo${user ? `#token=${host.token(user)}` : ""}`,
      options,
    );
    try {
      await shown(page);
      await play(page, host);
      await page.screenshot({ path: `${PICTURES}/${name}.png` });
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const { axe: check } = window as unknown as { axe: typeof axe };
        const { violations } = await check.run(document, { resultTypes: ["violations"] });
        return violations.map(
          ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).slice(0, 3)}`,
        );
      });
      assert.deepEqual(found, []);
      assert.deepEqual(troubles, []);
    } finally {
      await close();
      await host.stop();
    }
  });
}
