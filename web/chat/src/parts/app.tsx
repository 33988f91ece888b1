/** The whole chat. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { Composer } from "./composer.tsx";
import { EmojiBar } from "./emoji-bar.tsx";
import { Header, type Theme } from "./header.tsx";
import { Icon } from "./icons.tsx";
import { List } from "./list.tsx";
import { ModerationPanel } from "./moderation.tsx";
import { Notices } from "./notices.tsx";
import { ThreadPanel } from "./thread-panel.tsx";

/** Shortest time between two renderings: faster than people read, and cheap on a phone at any rate of comments. */
const FRAME_MS = 120;

export interface AppProps {
  chat: Chat;
  theme: Theme;
  setTheme: (theme: Theme) => void;
  /** Goes on without a token. */
  readOn: () => void;
}

export function App({ chat, theme, setTheme, readOn }: AppProps) {
  useChanges(chat);
  const field = useRef<HTMLTextAreaElement>(null);
  const focusDraft = () => {
    const box = field.current;
    box?.focus();
    box?.setSelectionRange(box.value.length, box.value.length);
  };
  return (
    <div class={chat.moderates && chat.panel !== "none" ? "chat with-panel" : "chat"}>
      <section class="main" aria-label="Live comments">
        <Header chat={chat} theme={theme} setTheme={setTheme} />
        <Notices chat={chat} readOn={readOn} />
        <div class="middle">
          <List chat={chat} focusDraft={focusDraft} />
          {chat.thread && (
            <ThreadPanel key={chat.thread.id} chat={chat} thread={chat.thread} focusDraft={focusDraft} />
          )}
          <Toasts chat={chat} />
        </div>
        <EmojiBar chat={chat} />
        <Composer chat={chat} field={field} />
      </section>
      <ModerationPanel chat={chat} />
      <div class="hidden" aria-live="polite" aria-atomic="true">
        {chat.announcement}
      </div>
    </div>
  );
}

function Toasts({ chat }: { chat: Chat }) {
  return (
    <div class="toasts">
      {chat.toasts.map((toast) => (
        <div class="toast" key={toast.id}>
          <span>{toast.text}</span>
          {toast.stream !== undefined && (
            <a class="link" href={`?stream=${encodeURIComponent(toast.stream)}${location.hash}`}>
              Go there
            </a>
          )}
          <button
            type="button"
            class="tool small"
            aria-label="Dismiss"
            onClick={() => chat.dismissToast(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

/** Renders again after changes: the first at once, more of them together. */
function useChanges(chat: Chat): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let lastMs = 0;
    const render = () => {
      timer = undefined;
      lastMs = performance.now();
      redraw((n) => n + 1);
    };
    const unsubscribe = chat.subscribe(() => {
      timer ??= setTimeout(render, Math.max(0, lastMs + FRAME_MS - performance.now()));
    });
    render();
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [chat]);
}
