/** The browser that the tests drive: `RINGSIDE_CHROMIUM`, or the first one on the path. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

function executable(): string {
  const named = process.env.RINGSIDE_CHROMIUM;
  if (named) return named;
  for (const name of NAMES) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
  }
  throw new Error("no Chromium on the path: install one, or set RINGSIDE_CHROMIUM to its program");
}

/** Containers often have no user namespaces and a small /dev/shm. */
const ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"];

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: executable(), args: ARGUMENTS });
}

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1180, height: 800 } };
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 780 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

/** A page in a context of its own; what goes wrong in it is kept. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = DESKTOP,
): Promise<{ page: Page; troubles: string[]; close: () => Promise<void> }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => {
    // The browser itself reports sockets and requests that fail; tests break them on purpose.
    if (message.type() === "error" && !/WebSocket connection|Failed to load resource/.test(message.text())) {
      troubles.push(message.text());
    }
  });
  await page.goto(url);
  return { page, troubles, close: () => context.close() };
}
