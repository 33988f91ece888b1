/** The top of the chat: the stream, who watches, and what can be switched. */

import type { State } from "@ringside/client";
import { useState } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { count, plural } from "../format.ts";
import { Icon, type IconName } from "./icons.tsx";

export type Theme = "auto" | "light" | "dark";

const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const THEMES: Record<Theme, { icon: IconName; name: string }> = {
  auto: { icon: "auto", name: "as the system" },
  light: { icon: "sun", name: "light" },
  dark: { icon: "moon", name: "dark" },
};

export function Header({
  chat,
  theme,
  setTheme,
}: {
  chat: Chat;
  theme: Theme;
  setTheme: (theme: Theme) => void;
}) {
  const { viewers } = chat.view;
  const waiting = chat.review.comments.length;
  return (
    <header class="header">
      <div class="title">
        <h1>{chat.client.stream}</h1>
        <p class="status">
          <Status state={chat.client.state} />
          {viewers !== undefined && (
            <span class="viewers" title={plural(viewers, "viewer", "viewers")}>
              <Icon name="people" />
              {count(viewers)} <span class="hidden">{viewers === 1 ? "viewer" : "viewers"}</span>
              <span aria-hidden="true">watching</span>
            </span>
          )}
        </p>
      </div>
      <div class="tools">
        {chat.moderates && (
          <>
            <button
              type="button"
              class="tool"
              aria-pressed={chat.panel === "review"}
              aria-label={`Review queue, ${waiting} waiting`}
              title="Review queue"
              onClick={() => chat.show("review")}
            >
              <Icon name="shield" />
              {waiting > 0 && <span class="badge">{waiting}</span>}
            </button>
            <button
              type="button"
              class="tool"
              aria-pressed={chat.panel === "settings"}
              aria-label="Stream settings"
              title="Stream settings"
              onClick={() => chat.show("settings")}
            >
              <Icon name="sliders" />
            </button>
          </>
        )}
        <button
          type="button"
          class="tool"
          aria-label={`Colours: ${THEMES[theme].name}. Switch to ${THEMES[NEXT[theme]].name}`}
          title={`Colours: ${THEMES[theme].name}`}
          onClick={() => setTheme(NEXT[theme])}
        >
          <Icon name={THEMES[theme].icon} />
        </button>
      </div>
    </header>
  );
}

const WORDS: Record<State["phase"], string> = {
  idle: "Not connected",
  connecting: "Connecting…",
  live: "Live",
  waiting: "Reconnecting…",
  stopped: "Not connected",
};

/** Quiet on purpose: a break of a second is no matter for a viewer. */
function Status({ state }: { state: State }) {
  const [wasLive, setWasLive] = useState(false);
  if (state.phase === "live" && !wasLive) setWasLive(true);
  const word = state.phase === "connecting" && wasLive ? WORDS.waiting : WORDS[state.phase];
  return (
    <span class={`live live-${state.phase}`} role="status">
      <span class="dot" aria-hidden="true" />
      {word}
    </span>
  );
}
