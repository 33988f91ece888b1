/** One comment of the list. */

import { type CommentEntry, handleOf, type Remover } from "@ringside/client";
import { Component } from "preact";
import type { Chat } from "../chat.ts";
import { clock, count, plural, quoted } from "../format.ts";
import { Avatar, Name } from "./author.tsx";
import { Icon } from "./icons.tsx";
import { RichText } from "./rich.tsx";
import { RowTools } from "./row-tools.tsx";

export interface RowProps {
  chat: Chat;
  entry: CommentEntry;
  /** Grows with whatever changes every row: who the viewer is, and what they may do. */
  epoch: string;
  selected: boolean;
  /** Far from the end: out of sight of who follows. */
  far: boolean;
  jumpTo: (id: string) => void;
  focusDraft: () => void;
}

const REMOVED: Record<Remover, string> = {
  author: "Deleted by its author",
  moderator: "Removed by a moderator",
  policy: "Removed by the rules of this chat",
};

/** A class, since it must not be rendered again for comments that did not change: most never do. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { entry, epoch, selected, far } = this.props;
    return entry !== next.entry || epoch !== next.epoch || selected !== next.selected || far !== next.far;
  }

  override render({ chat, entry, selected, far, jumpTo, focusDraft }: RowProps) {
    const { comment, status, removedBy } = entry;
    const { user } = chat.client;
    if (removedBy) {
      return (
        <article class={far ? "row removed far" : "row removed"} data-key={entry.key} tabIndex={-1}>
          {REMOVED[removedBy]}
        </article>
      );
    }
    const mine = comment.author.id === user?.id;
    const mentioned = chat.mentionsMe(comment);
    const classes = [
      "row",
      status,
      mine && "mine",
      mentioned && "mentioned",
      selected && "selected",
      far && "far",
    ];
    return (
      // biome-ignore lint/a11y/useKeyWithClickEvents: keys reach the tools by focus; a tap is for touch screens
      <article
        class={classes.filter(Boolean).join(" ")}
        data-key={entry.key}
        data-id={comment.id}
        tabIndex={-1}
        aria-label={`${comment.author.name}, ${clock(comment.atMs)}`}
        onClick={(event) => {
          const target = event.target as HTMLElement;
          if (!target.closest("button, a")) chat.select(entry.key);
        }}
      >
        <Quote entry={entry} jumpTo={jumpTo} chat={chat} />
        <Avatar author={comment.author} />
        <div class="body">
          <Name
            author={comment.author}
            onClick={() => {
              chat.drafting.mention(comment.author.name);
              chat.changed();
              focusDraft();
            }}
          />{" "}
          <RichText text={comment.text} me={user && handleOf(user.name)} />
          {comment.edited && <span class="edited"> (edited)</span>}
          <Counts chat={chat} entry={entry} />
          <Fate chat={chat} entry={entry} focusDraft={focusDraft} />
        </div>
        {status !== "pending" && status !== "rejected" && status !== "failed" && (
          <RowTools chat={chat} entry={entry} mine={mine} focusDraft={focusDraft} />
        )}
      </article>
    );
  }
}

function Quote({ entry, jumpTo, chat }: { entry: CommentEntry; jumpTo: (id: string) => void; chat: Chat }) {
  const { replyTo } = entry.comment;
  if (!replyTo) return null;
  const { parent } = entry;
  const toMe = parent && parent.author.id === chat.client.user?.id;
  return (
    <button
      type="button"
      class={toMe ? "quote to-me" : "quote"}
      tabIndex={-1}
      onClick={() => jumpTo(replyTo)}
    >
      <Icon name="reply" />
      <span class="hidden">In reply to </span>
      {parent ? (
        <>
          <bdi class="quoted-name">{parent.author.name}</bdi> <span dir="auto">{parent.text}</span>
        </>
      ) : (
        <span>an earlier comment</span>
      )}
    </button>
  );
}

/** What others think of it, shown only where there is something to show. */
function Counts({ chat, entry }: { chat: Chat; entry: CommentEntry }) {
  const { likes, dislikes, replies } = entry.comment;
  if (likes === 0 && dislikes === 0 && replies === 0) return null;
  const reaction = (which: "like" | "dislike", value: number) =>
    value > 0 && (
      <button
        type="button"
        class="count"
        tabIndex={-1}
        aria-pressed={entry.reaction === which}
        aria-label={plural(value, which, `${which}s`)}
        disabled={!chat.client.user}
        onClick={() => chat.toggle(entry, which)}
      >
        <Icon name={which} />
        {count(value)}
      </button>
    );
  return (
    <span class="counts">
      {reaction("like", likes)}
      {reaction("dislike", dislikes)}
      {replies > 0 && (
        <button type="button" class="count" tabIndex={-1} onClick={() => chat.openThread(entry.comment.id)}>
          {plural(replies, "reply", "replies")}
        </button>
      )}
    </span>
  );
}

/** What became of one's own comment, and what waits for a moderator. */
function Fate({ chat, entry, focusDraft }: { chat: Chat; entry: CommentEntry; focusDraft: () => void }) {
  const { comment, status } = entry;
  if (status === "pending") return <span class="fate">Sending…</span>;
  if (status === "held") {
    if (!chat.moderates) return <span class="fate held">Waits for a moderator. Only you can see it.</span>;
    return (
      <span class="fate held">
        Held for review
        <button type="button" class="link good" onClick={() => chat.decide(comment, "approve")}>
          Approve
        </button>
        <button type="button" class="link bad" onClick={() => chat.decide(comment, "remove")}>
          Remove
        </button>
      </span>
    );
  }
  if (status !== "rejected" && status !== "failed") return null;
  const rejected = status === "rejected";
  return (
    <span class="fate bad">
      {rejected ? "Not shown" : "Not sent"}
      {entry.reason && `: ${quoted(entry.reason)}`}
      {!rejected && (
        <button type="button" class="link" onClick={() => chat.sendAgain(entry)}>
          Send again
        </button>
      )}
      <button
        type="button"
        class="link"
        onClick={() => {
          chat.redraft(entry);
          focusDraft();
        }}
      >
        Edit
      </button>
      <button type="button" class="link" onClick={() => chat.view.timeline.dismiss(entry.key)}>
        Dismiss
      </button>
    </span>
  );
}
