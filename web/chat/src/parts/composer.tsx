/** Where a viewer writes. */

import { handleOf } from "@ringside/client";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { type Suggestion, suggest } from "../drafting.ts";
import { plural, wait } from "../format.ts";
import { Icon } from "./icons.tsx";

/** From so few characters left on, their number is shown. */
const COUNTED_FROM = 80;
/** Taller, and the text scrolls. */
const HEIGHT_PX_MAX = 132;

export function Composer({ chat, field }: { chat: Chat; field: RefObject<HTMLTextAreaElement | null> }) {
  const { user, state } = chat.client;
  if (!user) return <Guest connecting={state.phase === "connecting" || state.phase === "idle"} />;
  const { closed } = chat;
  return (
    <div class="composer">
      <Rules chat={chat} />
      {closed ? <p class="closed">{closed}</p> : <Field chat={chat} field={field} />}
    </div>
  );
}

function Guest({ connecting }: { connecting: boolean }) {
  // Who has a token is not told for a moment that they have none.
  if (connecting) return <div class="composer" />;
  return (
    <div class="composer guest">
      <p>
        <strong>You are reading as a guest.</strong> To take part, open your personal link: it ends in{" "}
        <code>#token=…</code>
      </p>
    </div>
  );
}

/** The settings that a writer should know of. */
function Rules({ chat }: { chat: Chat }) {
  const { settings } = chat.view;
  if (!settings) return null;
  const rules = [
    settings.slowModeS > 0 && `Slow mode: ${wait(settings.slowModeS * 1_000)}`,
    settings.membersOnly && "Members only",
    settings.emojiOnly && "Emoji only",
    !settings.linksAllowed && "No links",
    settings.holdForReview && "Comments are reviewed first",
    settings.closed && chat.moderates && "Closed for viewers",
  ].filter((rule) => rule !== false);
  if (rules.length === 0) return null;
  return (
    <ul class="rules" aria-label="Rules of this chat now">
      {rules.map((rule) => (
        <li key={rule}>{rule}</li>
      ))}
    </ul>
  );
}

function Field({ chat, field }: { chat: Chat; field: RefObject<HTMLTextAreaElement | null> }) {
  const { drafting } = chat;
  const waitMs = useCountdown(drafting.nextAtMs);
  const [offered, setOffered] = useState<(Suggestion & { chosen: number }) | undefined>();
  const blocked = waitMs > 0 && !drafting.editing;

  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, HEIGHT_PX_MAX)}px`;
  }, [drafting.text, field]);

  const write = (text: string, caret: number) => {
    drafting.text = text;
    const found = suggest(text, caret, namesIn(chat));
    setOffered(found && { ...found, chosen: 0 });
    chat.changed();
  };
  const complete = (name: string) => {
    const box = field.current;
    if (!offered || !box) return;
    const before = `${drafting.text.slice(0, offered.from)}@${handleOf(name)} `;
    drafting.text = before + drafting.text.slice(box.selectionStart).replace(/^ /, "");
    setOffered(undefined);
    chat.changed();
    requestAnimationFrame(() => box.setSelectionRange(before.length, before.length));
  };
  const cancel = () => {
    drafting.replyTo = undefined;
    drafting.cancelEdit();
    chat.changed();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const chosen = offered?.names[offered.chosen];
    if (offered && chosen !== undefined) {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      const { length } = offered.names;
      if (step !== 0) setOffered({ ...offered, chosen: (offered.chosen + step + length) % length });
      else if (event.key === "Enter" || event.key === "Tab") complete(chosen);
      else if (event.key === "Escape") setOffered(undefined);
      else return;
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void chat.send();
    } else if (event.key === "Escape" && (drafting.replyTo || drafting.editing)) cancel();
  };

  const { left } = drafting;
  return (
    <form
      class={blocked ? "field blocked" : "field"}
      onSubmit={(event) => {
        event.preventDefault();
        void chat.send();
      }}
    >
      {(drafting.replyTo || drafting.editing) && (
        <div class="about">
          <Icon name={drafting.editing ? "edit" : "reply"} />
          <span class="cut">
            {drafting.editing ? "Editing your comment" : "Replying to "}
            {drafting.replyTo && (
              <>
                <strong>{drafting.replyTo.author.name}</strong> {drafting.replyTo.text}
              </>
            )}
          </span>
          <button type="button" class="tool small" aria-label="Cancel" title="Cancel" onClick={cancel}>
            <Icon name="close" />
          </button>
        </div>
      )}
      {offered && (
        <div class="offered" role="listbox" id="offered-names" aria-label="People to mention">
          {offered.names.map((name, at) => (
            <div
              key={name}
              id={`offered-${at}`}
              role="option"
              tabIndex={-1}
              aria-selected={at === offered.chosen}
              onMouseDown={(event) => {
                event.preventDefault();
                complete(name);
              }}
            >
              {name}
            </div>
          ))}
        </div>
      )}
      <div class="line">
        <textarea
          ref={field}
          rows={1}
          value={drafting.text}
          placeholder={blocked ? "Your text is kept" : "Say something"}
          aria-label="Your comment"
          aria-describedby="field-note"
          aria-autocomplete="list"
          aria-controls={offered ? "offered-names" : undefined}
          aria-activedescendant={offered ? `offered-${offered.chosen}` : undefined}
          aria-invalid={left < 0}
          enterkeyhint="send"
          dir="auto"
          onInput={(event) => write(event.currentTarget.value, event.currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
          onBlur={() => setOffered(undefined)}
        />
        <button
          type="submit"
          class="send"
          disabled={!drafting.sendable || blocked}
          aria-label={blocked ? `Wait ${wait(waitMs)}` : drafting.editing ? "Save" : "Send"}
        >
          {blocked ? (
            <span class="seconds">{wait(waitMs)}</span>
          ) : (
            <Icon name={drafting.editing ? "check" : "send"} />
          )}
        </button>
      </div>
      <p class="note" id="field-note">
        {blocked && <span>You can comment again in {wait(waitMs)}.</span>}
        {left < COUNTED_FROM && (
          <span class={left < 0 ? "left bad" : "left"}>
            {left < 0 ? `${plural(-left, "character", "characters")} too many` : `${left} left`}
          </span>
        )}
      </p>
    </form>
  );
}

/** Names of those who spoke lately, the latest first. */
function namesIn(chat: Chat): Set<string> {
  const names = new Set<string>();
  for (const entry of [...chat.view.timeline.entries].reverse()) {
    if (entry.kind === "comment" && entry.comment.author.id !== chat.client.user?.id) {
      names.add(entry.comment.author.name);
    }
  }
  return names;
}

/** Milliseconds until a time, brought up to date every quarter of a second while it is to come. */
function useCountdown(untilMs: number): number {
  const [, tick] = useState(0);
  useEffect(() => {
    if (untilMs <= Date.now()) return;
    const timer = setInterval(() => {
      tick((n) => n + 1);
      if (untilMs <= Date.now()) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [untilMs]);
  return Math.max(0, untilMs - Date.now());
}
