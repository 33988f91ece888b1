/** The viewer's page: one chat, for the stream and token of its address. */

import { readAddress } from "./address.ts";
import { RingsideChat } from "./element.tsx";

function show(): void {
  const { stream, token } = readAddress(location.href);
  document.title = `${stream} · live comments`;
  const chat = new RingsideChat();
  chat.setAttribute("stream", stream);
  chat.token = token;
  document.querySelector("main")?.replaceChildren(chat);
}

show();
// A link with another token, opened in the same tab, changes the fragment only.
addEventListener("hashchange", show);
