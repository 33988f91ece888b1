/** What stands between the header and the comments: the pinned comment, sampling, and a connection that is gone. */

import type { Comment, LinkEnd } from "@ringside/client";
import { useEffect, useState } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { count, wait } from "../format.ts";
import { Icon } from "./icons.tsx";

/** A break that lasts longer is worth a line and a button. */
const PATIENCE_MS = 5_000;

export function Notices({ chat, readOn }: { chat: Chat; readOn: () => void }) {
  const { pinned, sampling } = chat.view;
  return (
    <div class="notices">
      <Connection chat={chat} readOn={readOn} />
      {sampling && (
        <p class="notice sampling" role="status">
          <span class="percent">{sampling.shownPercent}%</span>
          <span>
            {sampling.text || `The chat is very fast: ${sampling.shownPercent} % of comments are shown.`}
            {sampling.leftOut > 0 && <span class="muted"> {count(sampling.leftOut)} left out so far.</span>}
          </span>
        </p>
      )}
      {pinned && <Pinned chat={chat} comment={pinned} key={pinned.id} />}
    </div>
  );
}

function Pinned({ chat, comment }: { chat: Chat; comment: Comment }) {
  const [open, setOpen] = useState(true);
  return (
    <section class="notice pinned" aria-label="Pinned comment">
      <Icon name="pin" />
      <button type="button" class="pinned-text" aria-expanded={open} onClick={() => setOpen(!open)}>
        <strong>{comment.author.name}</strong> <span class={open ? "" : "cut"}>{comment.text}</span>
      </button>
      {chat.moderates && (
        <button
          type="button"
          class="tool small"
          aria-label="Unpin"
          title="Unpin"
          onClick={() => chat.pin(null)}
        >
          <Icon name="close" />
        </button>
      )}
    </section>
  );
}

function Connection({ chat, readOn }: { chat: Chat; readOn: () => void }) {
  const { state } = chat.client;
  const [sinceMs, setSinceMs] = useState(0);
  const [, tick] = useState(0);
  const away = state.phase === "waiting" || state.phase === "connecting";
  useEffect(() => {
    if (!away) return setSinceMs(0);
    setSinceMs((since) => since || Date.now());
    const timer = setInterval(() => tick((n) => n + 1), 1_000);
    return () => clearInterval(timer);
  }, [away]);

  if (state.phase === "stopped") return <Stopped chat={chat} end={state.end} readOn={readOn} />;
  if (!away || sinceMs === 0 || Date.now() - sinceMs < PATIENCE_MS) return null;
  return (
    <div class="notice quiet">
      <span>
        No connection.{" "}
        {state.phase === "waiting" ? `Next try in ${wait(state.retryAtMs - Date.now())}.` : "Trying…"}
      </span>
      {state.phase === "waiting" && (
        <button type="button" class="link" onClick={() => chat.client.wake()}>
          Try now
        </button>
      )}
    </div>
  );
}

/** Error of the protocol: a token is needed, and none was sent. */
const SIGN_IN_NEEDED = 101;

function Stopped({ chat, end, readOn }: { chat: Chat; end: LinkEnd; readOn: () => void }) {
  const button = (word: string, run: () => void) => (
    <button type="button" class="link" onClick={run}>
      {word}
    </button>
  );
  let [text, way] = [end.reason, button("Connect again", () => chat.client.connect())];
  if (end.problem?.number === SIGN_IN_NEEDED) {
    text = "This chat is for signed-in viewers. Open your personal link.";
  } else if (end.advice === "renew_token") {
    text = "Your sign-in is not valid any more.";
    way = button("Read on as a guest", readOn);
  }
  return (
    <div class="notice alert" role="alert">
      <span>{text}</span>
      {way}
    </div>
  );
}
