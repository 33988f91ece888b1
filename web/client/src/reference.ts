/** The client's own name for a comment, so that sending it again does not post it twice. */

import { idToText } from "./codec.ts";

/** Not `crypto.randomUUID`: browsers have that on secure pages only, and a host may be tried without TLS. */
export function newReference(): string {
  return idToText(crypto.getRandomValues(new Uint8Array(16)));
}
