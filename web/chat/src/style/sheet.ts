/** The chat's styles as one sheet, shared by all chats of a page. */

import composer from "./composer.css?inline";
import frame from "./frame.css?inline";
import list from "./list.css?inline";
import panels from "./panels.css?inline";
import tokens from "./tokens.css?inline";

let shared: CSSStyleSheet | undefined;

export function sheet(): CSSStyleSheet {
  if (!shared) {
    shared = new CSSStyleSheet();
    shared.replaceSync([tokens, frame, list, composer, panels].join("\n"));
  }
  return shared;
}
