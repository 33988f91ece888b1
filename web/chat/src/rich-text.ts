/** Finds links and mentions in a comment's text. */

/** `at` is where it begins. */
export type Part = { at: number; text: string } & (
  | { kind: "text" }
  | { kind: "link"; href: string }
  | { kind: "mention"; handle: string }
);

const FOUND = /(https?:\/\/[^\s<>"]+)|(?<![\p{L}\p{N}_.-])@([\p{L}\p{N}_.-]+)/gu;
/** What ends a sentence rather than an address. */
const TRAILING = /[.,;:!?'")\]}…]+$/u;

export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  const plain = (until: number) => {
    if (until > end) parts.push({ kind: "text", at: end, text: text.slice(end, until) });
  };
  for (const match of text.matchAll(FOUND)) {
    const [, link, name] = match;
    const at = match.index;
    plain(at);
    if (link !== undefined) {
      const address = link.replace(TRAILING, "");
      const href = hrefOf(address);
      parts.push(href ? { kind: "link", at, text: address, href } : { kind: "text", at, text: address });
      end = at + address.length;
    } else {
      const handle = (name ?? "").replace(/[.-]+$/, "");
      if (handle) parts.push({ kind: "mention", at, text: `@${handle}`, handle: handle.toLowerCase() });
      else parts.push({ kind: "text", at, text: "@" });
      end = at + 1 + handle.length;
    }
  }
  plain(text.length);
  return parts;
}

function hrefOf(address: string): string | undefined {
  try {
    const { href, protocol } = new URL(address);
    return protocol === "https:" || protocol === "http:" ? href : undefined;
  } catch {
    return undefined;
  }
}
