/** Emoji for the stream: a tap counts, the totals run, and some float up. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { Floats } from "../floats.ts";
import { short } from "../format.ts";

const EMOJI: readonly (readonly [emoji: string, name: string])[] = [
  ["❤️", "heart"],
  ["😂", "laughing"],
  ["🔥", "fire"],
  ["👏", "clapping"],
  ["😮", "astonished"],
  ["🎉", "party"],
];

export function EmojiBar({ chat }: { chat: Chat }) {
  const floats = useMemo(() => new Floats(), []);
  const [, redraw] = useState(0);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  useEffect(() => {
    if (calm) return;
    const { client } = chat;
    const joined = client.on("joined", ({ emoji }) => floats.reset(emoji));
    const batch = client.on("batch", ({ events }) => {
      // A page in the background draws nothing, so nothing would ever land.
      if (document.visibilityState === "hidden") return;
      for (const event of events) if (event.type === "emoji") floats.update(event.totals);
    });
    return () => {
      joined();
      batch();
    };
  }, [chat, floats, calm]);
  const { user, state } = chat.client;
  const { emoji: totals } = chat.view;
  const tap = (emoji: string) => {
    chat.client.emoji(emoji);
    if (!calm) floats.tap(emoji);
    redraw((n) => n + 1);
  };
  return (
    <fieldset class="emoji-bar" aria-label="React to the stream">
      {EMOJI.map(([emoji, name]) => {
        const total = totals.get(emoji) ?? 0;
        return (
          <button
            key={emoji}
            type="button"
            class="emoji"
            disabled={!user || state.phase !== "live"}
            aria-label={`${name}, ${short(total)} so far`}
            onClick={() => tap(emoji)}
          >
            <span aria-hidden="true">{emoji}</span>
            {total > 0 && <span class="total">{short(total)}</span>}
          </button>
        );
      })}
      <div class="floats" aria-hidden="true">
        {floats.flying.map(({ id, emoji, place, delayMs }) => (
          <span
            key={id}
            style={{ "--place": place, "animation-delay": `${delayMs}ms` }}
            onAnimationEnd={() => {
              floats.land(id);
              redraw((n) => n + 1);
            }}
          >
            {emoji}
          </span>
        ))}
      </div>
    </fieldset>
  );
}
