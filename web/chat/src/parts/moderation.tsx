/** The moderator's side: the queue of comments to decide on, and the stream's settings. */

import { BLOCKED_TERM_BYTES_MAX, BLOCKED_TERMS_MAX, type Settings } from "@ringside/client";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { clock, quoted, wait } from "../format.ts";
import { termsIn } from "../terms.ts";
import { Name } from "./author.tsx";
import { Icon } from "./icons.tsx";

export function ModerationPanel({ chat }: { chat: Chat }) {
  if (!chat.moderates || chat.panel === "none") return null;
  const review = chat.panel === "review";
  return (
    <aside
      class="panel"
      aria-label={review ? "Review queue" : "Stream settings"}
      onKeyDown={(event) => {
        if (event.key === "Escape") chat.show("none");
      }}
    >
      <header class="sheet-header">
        <h2>{review ? "Waiting for review" : "Stream settings"}</h2>
        <button type="button" class="tool" aria-label="Close" title="Close" onClick={() => chat.show("none")}>
          <Icon name="close" />
        </button>
      </header>
      <div class="sheet-body">{review ? <Queue chat={chat} /> : <SettingsForm chat={chat} />}</div>
    </aside>
  );
}

function Queue({ chat }: { chat: Chat }) {
  const { comments, loading, failed } = chat.review;
  if (comments.length === 0) {
    return (
      <p class="muted">
        {loading ? "Loading…" : failed ? "The queue could not be loaded." : "Nothing waits."}
      </p>
    );
  }
  return (
    <ul class="queue">
      {comments.map((comment) => (
        <li key={comment.id}>
          <p>
            <Name author={comment.author} /> <time class="time">{clock(comment.atMs)}</time>
          </p>
          <p class="text" dir="auto">
            {comment.text}
          </p>
          {comment.judgement?.reason && (
            <p class="muted">
              {comment.judgement.slot}: {quoted(comment.judgement.reason)}
            </p>
          )}
          <p class="decide">
            <button type="button" class="wide good" onClick={() => chat.decide(comment, "approve")}>
              {comment.held ? "Approve" : "Keep"}
            </button>
            <button type="button" class="wide bad" onClick={() => chat.decide(comment, "remove")}>
              Remove
            </button>
          </p>
        </li>
      ))}
    </ul>
  );
}

type Flag = "membersOnly" | "emojiOnly" | "linksAllowed" | "holdForReview" | "closed" | "anonymousRead";

const FLAGS: readonly (readonly [flag: Flag, label: string, note: string])[] = [
  ["closed", "Close comments", "Only moderators can comment."],
  ["holdForReview", "Review first", "Every comment waits for a moderator."],
  ["membersOnly", "Members only", "Others can read."],
  ["emojiOnly", "Emoji only", "Comments are made of emoji."],
  ["linksAllowed", "Allow links", ""],
  ["anonymousRead", "Guests can read", "Those who are not signed in."],
];

const SLOW_S = [0, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600];

function SettingsForm({ chat }: { chat: Chat }) {
  const { settings } = chat.view;
  const [trouble, setTrouble] = useState<string>();
  if (!settings) return <p class="muted">Loading…</p>;
  const change = async (patch: Partial<Settings>) => setTrouble(await chat.changeSettings(patch));
  const slow = SLOW_S.includes(settings.slowModeS)
    ? SLOW_S
    : [...SLOW_S, settings.slowModeS].sort((a, b) => a - b);
  return (
    <form class="settings" onSubmit={(event) => event.preventDefault()}>
      {trouble !== undefined && (
        <p class="fate bad" role="alert">
          {trouble}
        </p>
      )}
      <label class="setting">
        <span>
          Slow mode
          <small>Time between two comments of one viewer.</small>
        </span>
        <select
          value={settings.slowModeS}
          onChange={(event) => change({ slowModeS: Number(event.currentTarget.value) })}
        >
          {slow.map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds === 0 ? "Off" : wait(seconds * 1_000)}
            </option>
          ))}
        </select>
      </label>
      {FLAGS.map(([flag, label, note]) => (
        <label class="setting" key={flag}>
          <span>
            {label}
            {note && <small>{note}</small>}
          </span>
          <input
            type="checkbox"
            role="switch"
            checked={settings[flag]}
            aria-checked={settings[flag]}
            onChange={(event) => change({ [flag]: event.currentTarget.checked })}
          />
        </label>
      ))}
      <Terms terms={settings.blockedTerms} save={(blockedTerms) => change({ blockedTerms })} />
    </form>
  );
}

function Terms({ terms, save }: { terms: readonly string[]; save: (terms: string[]) => void }) {
  const saved = terms.join("\n");
  const [text, setText] = useState(saved);
  const before = useRef(saved);
  useEffect(() => {
    // Another moderator's change must not take away what is being written here.
    setText((now) => (now === before.current ? saved : now));
    before.current = saved;
  }, [saved]);
  const wanted = termsIn(text);
  const tooLong = wanted.find((term) => new TextEncoder().encode(term).length > BLOCKED_TERM_BYTES_MAX);
  const trouble =
    wanted.length > BLOCKED_TERMS_MAX
      ? `${wanted.length} are too many: at most ${BLOCKED_TERMS_MAX}.`
      : tooLong && `“${tooLong}” is too long.`;
  return (
    <label class="setting tall">
      <span>
        Blocked terms
        <small>One a line. Comments with one of them are refused.</small>
      </span>
      <textarea
        rows={4}
        value={text}
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {trouble && <small class="bad">{trouble}</small>}
      <button
        type="button"
        class="wide"
        disabled={Boolean(trouble) || wanted.join("\n") === saved}
        onClick={() => save(wanted)}
      >
        Save terms
      </button>
    </label>
  );
}
