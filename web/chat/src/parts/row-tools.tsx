/** What can be done with a comment; beside it on hover, focus or tap. */

import type { CommentEntry } from "@ringside/client";
import type { Chat } from "../chat.ts";
import { clock, dateTime } from "../format.ts";
import { Icon, type IconName } from "./icons.tsx";

interface Tool {
  icon: IconName;
  label: string;
  pressed?: boolean;
  bad?: boolean;
  run: () => void;
}

interface ToolsProps {
  chat: Chat;
  entry: CommentEntry;
  mine: boolean;
  focusDraft: () => void;
}

/** None for guests: they read. */
export function toolsFor({ chat, entry, mine, focusDraft }: ToolsProps): Tool[] {
  const { user } = chat.client;
  const { comment, reaction } = entry;
  if (!user) return [];
  const tools: Tool[] = [
    { icon: "like", label: "Like", pressed: reaction === "like", run: () => void chat.toggle(entry, "like") },
    {
      icon: "dislike",
      label: "Dislike",
      pressed: reaction === "dislike",
      run: () => void chat.toggle(entry, "dislike"),
    },
    {
      icon: "reply",
      label: "Reply",
      run: () => {
        chat.reply(comment);
        focusDraft();
      },
    },
  ];
  if (mine) {
    tools.push({
      icon: "edit",
      label: "Edit",
      run: () => {
        chat.drafting.edit(comment);
        chat.changed();
        focusDraft();
      },
    });
  }
  if (chat.moderates && chat.view.pinned?.id !== comment.id) {
    tools.push({ icon: "pin", label: "Pin", run: () => void chat.pin(comment) });
  }
  if (mine || chat.moderates) {
    tools.push({
      icon: "trash",
      label: mine ? "Delete" : "Remove",
      bad: true,
      run: () => void chat.remove(comment),
    });
  }
  return tools;
}

export function RowTools(props: ToolsProps) {
  const tools = toolsFor(props);
  const { atMs } = props.entry.comment;
  return (
    <div class="row-tools">
      <time class="time" dateTime={new Date(atMs).toISOString()} title={dateTime(atMs)}>
        {clock(atMs)}
      </time>
      {tools.map(({ icon, label, pressed, bad, run }) => (
        <button
          key={icon}
          type="button"
          class={bad ? "tool small bad" : "tool small"}
          aria-label={`${label}: ${props.entry.comment.author.name}’s comment`}
          aria-pressed={pressed}
          title={label}
          onClick={() => {
            run();
            props.chat.select(undefined);
          }}
        >
          <Icon name={icon} />
        </button>
      ))}
    </div>
  );
}
