/** What the tests of the page share: a fake host, and people who open the page on it. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import type { FakeHost } from "#fake-host";
import { launch, openPage } from "./chromium.ts";
import { fakeHost } from "./fake.ts";

export interface Visitor {
  page: Page;
  rows: Locator;
  field: Locator;
  /** Writes a comment and presses Enter. */
  say: (text: string) => Promise<void>;
  /** Waits for a comment in the list. */
  sees: (text: string) => Promise<Locator>;
}

export function visitor(page: Page): Visitor {
  const rows = page.locator(".row");
  const field = page.getByLabel("Your comment");
  return {
    page,
    rows,
    field,
    say: async (text) => {
      await field.fill(text);
      await field.press("Enter");
    },
    sees: async (text) => {
      const row = rows.filter({ has: page.locator(".text", { hasText: text }) }).last();
      await row.waitFor();
      return row;
    },
  };
}

export interface Stage {
  host: FakeHost;
  /** Opens the page, signed in where a name is given. */
  visit: (
    user?: { name: string; role?: "viewer" | "moderator" },
    options?: BrowserContextOptions,
  ) => Promise<Visitor>;
}

let browser: Browser | undefined;

export function withBrowser(): void {
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
}

export function opened(): Browser {
  assert.ok(browser, "call withBrowser() first");
  return browser;
}

/** A test with a host of its own, after which the page must have had no error. */
export function scene(name: string, play: (stage: Stage) => Promise<void>): void {
  test(name, async () => {
    const host = await fakeHost();
    const troubles: string[] = [];
    const closers: (() => Promise<void>)[] = [];
    const visit: Stage["visit"] = async (user, options) => {
      const hash = user ? `#token=${host.token(user)}` : "";
      const opening = await openPage(opened(), `${host.url}/?stream=demo${hash}`, options);
      closers.push(opening.close);
      opening.page.on("close", () => troubles.push(...opening.troubles));
      const one = visitor(opening.page);
      await one.page.getByText("Live", { exact: true }).waitFor();
      return one;
    };
    try {
      await play({ host, visit });
    } finally {
      for (const close of closers) await close();
      await host.stop();
    }
    assert.deepEqual(troubles, []);
  });
}

/**
 * Points at a comment and presses one of its buttons, which are there only while it is pointed at. A comment that comes
 * just then moves the rows under the pointer, so it points anew until the press is taken.
 */
export async function press(row: Locator, name: string): Promise<void> {
  const button = row.getByRole("button", { name, exact: true });
  const lastMs = Date.now() + 60_000;
  for (;;) {
    await row.hover();
    try {
      await button.click({ timeout: 1_000 });
      return;
    } catch (error) {
      if (Date.now() > lastMs) throw error;
    }
  }
}

/** Waits until something holds, and fails with both values where it never does. */
export async function eventually<T>(read: () => Promise<T> | T, expected: T): Promise<void> {
  const lastMs = Date.now() + 60_000;
  let value = await read();
  while (JSON.stringify(value) !== JSON.stringify(expected) && Date.now() < lastMs) {
    await new Promise((done) => setTimeout(done, 25));
    value = await read();
  }
  assert.deepEqual(value, expected);
}
