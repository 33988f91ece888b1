/** What the page's own address says: which stream, and the token that stays in the fragment. */

export interface Address {
  stream: string;
  token?: string;
}

export const STREAM = "demo";

/** The fragment never leaves the browser, so the token is in no log of a server or proxy. */
export function readAddress(href: string): Address {
  const url = new URL(href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const stream = (url.searchParams.get("stream") ?? fragment.get("stream"))?.trim() || STREAM;
  const token = fragment.get("token")?.trim();
  return token ? { stream, token } : { stream };
}
