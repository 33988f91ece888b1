/** A comment with its replies, over the list. */

import { type Comment, handleOf } from "@ringside/client";
import { useEffect, useRef } from "preact/hooks";
import type { Chat } from "../chat.ts";
import { clock, plural } from "../format.ts";
import type { Thread } from "../thread.ts";
import { Avatar, Name } from "./author.tsx";
import { Icon } from "./icons.tsx";
import { RichText } from "./rich.tsx";

export function ThreadPanel({
  chat,
  thread,
  focusDraft,
}: {
  chat: Chat;
  thread: Thread;
  focusDraft: () => void;
}) {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => close.current?.focus(), []);
  const { parent, replies, state } = thread;
  return (
    <section
      class="sheet"
      role="dialog"
      aria-label="Replies"
      onKeyDown={(event) => {
        if (event.key === "Escape") chat.closeThread();
      }}
    >
      <header class="sheet-header">
        <h2>{state === "ready" ? plural(replies.length, "reply", "replies") : "Replies"}</h2>
        <button
          type="button"
          class="tool"
          ref={close}
          aria-label="Close replies"
          title="Close"
          onClick={() => chat.closeThread()}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class="sheet-body">
        {parent && <Said chat={chat} comment={parent} />}
        {state === "loading" && <p class="muted">Loading…</p>}
        {state === "failed" && (
          <p class="muted">
            {parent
              ? "The replies could not be loaded."
              : "This comment could not be loaded. It may have been removed."}
          </p>
        )}
        <div class="replies">
          {replies.map((reply) => (
            <Said key={reply.id} chat={chat} comment={reply} />
          ))}
        </div>
      </div>
      {parent && chat.client.user && !chat.closed && (
        <button
          type="button"
          class="wide"
          onClick={() => {
            chat.reply(parent);
            chat.closeThread();
            focusDraft();
          }}
        >
          Reply to {parent.author.name}
        </button>
      )}
    </section>
  );
}

function Said({ chat, comment }: { chat: Chat; comment: Comment }) {
  const { user } = chat.client;
  return (
    <article class="said">
      <Avatar author={comment.author} />
      <div class="body">
        <Name author={comment.author} /> <RichText text={comment.text} me={user && handleOf(user.name)} />
        <time class="time" dateTime={new Date(comment.atMs).toISOString()}>
          {clock(comment.atMs)}
        </time>
      </div>
    </article>
  );
}
