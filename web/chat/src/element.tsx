/** `<ringside-chat>`: the chat as an element that any page can place. Its styles stay inside, the page's outside. */

import type { ClientOptions, TokenSource } from "@ringside/client";
import { render } from "preact";
import { Chat } from "./chat.ts";
import { App } from "./parts/app.tsx";
import type { Theme } from "./parts/header.tsx";
import { sheet } from "./style/sheet.ts";

const THEME_KEY = "ringside-theme";

/**
 * Attributes: `stream`, `server` (this page's own origin where it is left out) and `theme` (`auto`, `light`,
 * `dark`). The property `token` takes a token, or a function that gets one.
 */
export class RingsideChat extends HTMLElement {
  static readonly observedAttributes = ["stream", "server"];
  #chat: Chat | undefined;
  #token: TokenSource | undefined;
  #theme: Theme = "auto";
  readonly #root: ShadowRoot;
  readonly #wake = () => {
    if (document.visibilityState === "visible") this.#chat?.client.wake();
  };
  /** A new network: what was open goes on over it without a gap. */
  readonly #online = () => {
    this.#chat?.client.wake();
    this.#chat?.client.move();
  };

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [sheet()];
  }

  set token(token: TokenSource | undefined) {
    this.#token = token;
    if (this.isConnected) this.#start();
  }

  connectedCallback(): void {
    const stored = readTheme() ?? this.getAttribute("theme");
    this.#theme = stored === "light" || stored === "dark" ? stored : "auto";
    document.addEventListener("visibilitychange", this.#wake);
    addEventListener("online", this.#online);
    this.#start();
  }

  disconnectedCallback(): void {
    document.removeEventListener("visibilitychange", this.#wake);
    removeEventListener("online", this.#online);
    this.#stop();
  }

  attributeChangedCallback(): void {
    if (this.#chat) this.#start();
  }

  #start(): void {
    this.#stop();
    const options: ClientOptions = {
      url: this.getAttribute("server") ?? location.origin,
      stream: this.getAttribute("stream") ?? "demo",
    };
    if (this.#token !== undefined) options.token = this.#token;
    this.#chat = new Chat(options);
    const chat = this.#chat;
    // For the page's layout: whether a panel wants room beside the comments.
    chat.subscribe(() => this.toggleAttribute("panel", chat.moderates && chat.panel !== "none"));
    this.#render();
    this.#chat.client.connect();
  }

  #stop(): void {
    this.#chat?.close();
    this.#chat = undefined;
    render(null, this.#root);
  }

  #render(): void {
    if (!this.#chat) return;
    this.setAttribute("theme", this.#theme);
    const setTheme = (theme: Theme) => {
      this.#theme = theme;
      keepTheme(theme);
      this.#render();
    };
    const readOn = () => {
      this.token = undefined;
    };
    render(<App chat={this.#chat} theme={this.#theme} setTheme={setTheme} readOn={readOn} />, this.#root);
  }
}

/** Frames without an origin of their own have no storage; colours are then chosen anew each time. */
function readTheme(): string | null {
  try {
    return localStorage.getItem(THEME_KEY);
  } catch {
    return null;
  }
}

function keepTheme(theme: Theme): void {
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // See above.
  }
}

customElements.define("ringside-chat", RingsideChat);
