/** What a viewer is about to say: the text, what it answers or changes, and when it may be sent. */

import { type Comment, handleOf, lengthOf, type Settings, TEXT_CHARS_MAX } from "@ringside/client";

export class Drafting {
  text = "";
  replyTo: Comment | undefined;
  editing: Comment | undefined;
  /** Milliseconds since 1970 from which the next comment is taken; 0 for any time. */
  nextAtMs = 0;
  /** What was being written when an edit began. */
  #aside = "";

  /** Characters left; negative when there are too many. */
  get left(): number {
    return TEXT_CHARS_MAX - lengthOf(this.text.trim());
  }

  get sendable(): boolean {
    return this.text.trim() !== "" && this.left >= 0;
  }

  waitMs(now: number): number {
    return Math.max(0, this.nextAtMs - now);
  }

  reply(comment: Comment): void {
    this.cancelEdit();
    this.replyTo = comment;
  }

  edit(comment: Comment): void {
    if (!this.editing) this.#aside = this.text;
    this.editing = comment;
    this.replyTo = undefined;
    this.text = comment.text;
  }

  cancelEdit(): void {
    if (!this.editing) return;
    this.editing = undefined;
    this.text = this.#aside;
    this.#aside = "";
  }

  /** Puts a mention where the text ends. */
  mention(name: string): void {
    const gap = this.text === "" || this.text.endsWith(" ") ? "" : " ";
    this.text += `${gap}@${handleOf(name)} `;
  }

  /** Takes the text out to send it. */
  take(): { text: string; replyTo: Comment | undefined } {
    const taken = { text: this.text.trim(), replyTo: this.replyTo };
    this.text = "";
    this.replyTo = undefined;
    return taken;
  }

  /** Puts back what could not be sent, before what was written since. */
  restore(text: string, replyTo: Comment | undefined): void {
    this.text = this.text === "" ? text : `${text}\n${this.text}`;
    this.replyTo ??= replyTo;
  }
}

/** Why nobody with this role may comment now; nothing when they may. */
export function closedFor(
  settings: Settings | undefined,
  user: { moderates: boolean; member: boolean },
): string | undefined {
  if (!settings || user.moderates) return undefined;
  if (settings.closed) return "Comments are closed.";
  if (settings.membersOnly && !user.member) return "Only members can comment now.";
  return undefined;
}

export interface Suggestion {
  /** Where the `@` stands. */
  from: number;
  names: string[];
}

/** Most names offered. */
const NAMES_MAX = 5;

/** Names that complete the mention that ends at the caret. */
export function suggest(text: string, caret: number, names: Iterable<string>): Suggestion | undefined {
  const match = /(?:^|[\s(])@([\p{L}\p{N}_.-]*)$/u.exec(text.slice(0, caret));
  if (!match) return undefined;
  const typed = (match[1] ?? "").toLowerCase();
  const found: string[] = [];
  for (const name of names) {
    const handle = handleOf(name);
    if (handle !== "" && handle !== typed && handle.startsWith(typed) && !found.includes(name))
      found.push(name);
    if (found.length === NAMES_MAX) break;
  }
  return found.length > 0 ? { from: caret - typed.length - 1, names: found } : undefined;
}
