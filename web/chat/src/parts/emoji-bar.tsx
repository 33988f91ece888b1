/** Emoji for the stream: a tap counts, the totals run, and some float up. */

import { useRef, useState } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { Floats } from "../floats.ts";
import { count } from "../format.ts";

const EMOJI: readonly (readonly [emoji: string, name: string])[] = [
  ["❤️", "heart"],
  ["😂", "laughing"],
  ["🔥", "fire"],
  ["👏", "clapping"],
  ["😮", "astonished"],
  ["🎉", "party"],
];

export function EmojiBar({ chat }: { chat: Chat }) {
  const floats = useRef<Floats>(undefined);
  floats.current ??= new Floats();
  const { current } = floats;
  const [, redraw] = useState(0);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!calm) current.update(chat.view.emoji);
  const { user, state } = chat.client;
  const { emoji: totals } = chat.view;
  const tap = (emoji: string) => {
    chat.client.emoji(emoji);
    if (!calm) current.tap(emoji);
    redraw((n) => n + 1);
  };
  return (
    <div class="emoji-bar" role="group" aria-label="React to the stream">
      {EMOJI.map(([emoji, name]) => {
        const total = totals.get(emoji) ?? 0;
        return (
          <button
            key={emoji}
            type="button"
            class="emoji"
            disabled={!user || state.phase !== "live"}
            aria-label={`${name}, ${count(total)} so far`}
            onClick={() => tap(emoji)}
          >
            <span aria-hidden="true">{emoji}</span>
            {total > 0 && <span class="total">{count(total)}</span>}
          </button>
        );
      })}
      <div class="floats" aria-hidden="true">
        {current.flying.map(({ id, emoji, place, delayMs }) => (
          <span
            key={id}
            style={{ "--place": place, "animation-delay": `${delayMs}ms` }}
            onAnimationEnd={() => {
              current.land(id);
              redraw((n) => n + 1);
            }}
          >
            {emoji}
          </span>
        ))}
      </div>
    </div>
  );
}
