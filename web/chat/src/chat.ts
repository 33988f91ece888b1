/** The viewer's chat without its looks: what a person can do, and what they are told of it. */

import {
  Client,
  type ClientOptions,
  type Comment,
  type CommentEntry,
  type GapEntry,
  handleOf,
  moderates,
  type Outcome,
  type Reaction,
  type Settings,
  StreamView,
} from "@ringside/client";
import { Announcer } from "./announcer.ts";
import { closedFor, Drafting } from "./drafting.ts";
import { quoted, wait } from "./format.ts";
import { ReviewQueue } from "./review-queue.ts";
import { Thread } from "./thread.ts";

/** Something told in passing. */
export interface Toast {
  id: number;
  text: string;
  /** A stream to go to. */
  stream?: string;
}

/** Toasts shown at once; of more, the oldest goes. */
const TOASTS_MAX = 3;
const TOAST_MS = 6_000;
/** Flagged comments are in no batch: the queue is read again this often while a moderator looks at it. */
const REVIEW_EVERY_MS = 10_000;

export type Panel = "none" | "settings" | "review";

export class Chat {
  readonly client: Client;
  readonly view: StreamView;
  readonly drafting = new Drafting();
  readonly review: ReviewQueue;
  thread: Thread | undefined;
  panel: Panel = "none";
  toasts: readonly Toast[] = [];
  /** The comment whose tools are open on a touch screen. */
  selected: string | undefined;
  loadingOlder = false;
  /** Said by a screen reader. */
  announcement = "";
  readonly #announcer = new Announcer((text) => {
    // The same text twice is said twice only when it differs.
    this.announcement = this.announcement === text ? `${text}\u00a0` : text;
    this.changed();
  });
  readonly #listeners = new Set<() => void>();
  #toasts = 0;
  #reviewing: ReturnType<typeof setInterval> | undefined;

  constructor(options: ClientOptions) {
    this.client = new Client(options);
    this.view = new StreamView(this.client);
    this.review = new ReviewQueue(this.client, () => this.changed());
    this.view.subscribe(() => this.changed());
    this.client.on("state", () => this.changed());
    this.client.on("joined", () => this.moderates && void this.review.load());
    this.client.on("user", () => this.changed());
    this.client.on("batch", ({ events }) => {
      for (const event of events) {
        if (event.type !== "comment") continue;
        if (event.comment.author.id !== this.client.user?.id) this.#heard(event.comment);
      }
      this.thread?.apply(events);
      if (this.moderates) this.review.apply(events);
    });
    this.client.on("notice", (notice) => {
      const { comment, stream } = notice;
      if (notice.kind !== "mention" || !comment || !stream || stream === this.client.stream) return;
      this.toast(`${comment.author.name} mentioned you in ${stream}: ${comment.text}`, stream);
    });
  }

  get moderates(): boolean {
    return moderates(this.client.user?.role);
  }

  /** Why this viewer may not comment now. */
  get closed(): string | undefined {
    const { user } = this.client;
    return closedFor(this.view.settings, { moderates: this.moderates, member: user?.member ?? false });
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.#announcer.stop();
    clearInterval(this.#reviewing);
    this.client.close();
  }

  mentionsMe(comment: Comment): boolean {
    const { user } = this.client;
    return user !== undefined && comment.mentions.includes(handleOf(user.name));
  }

  /** Sends what is drafted, or the edit under way. */
  async send(): Promise<void> {
    const { user } = this.client;
    const { drafting } = this;
    if (!user || !drafting.sendable || this.closed) return;
    if (drafting.editing) return this.#sendEdit(drafting.editing);
    if (drafting.waitMs(Date.now()) > 0) return;
    const { text, replyTo } = drafting.take();
    const outcome = await this.view.post(user, text, replyTo?.id);
    this.#posted(outcome, text, replyTo);
  }

  /** Sends a failed comment again, as the same comment. */
  async sendAgain(entry: CommentEntry): Promise<void> {
    const { user } = this.client;
    if (!user) return;
    const { text, replyTo } = entry.comment;
    this.#posted(await this.view.post(user, text, replyTo, entry.reference), text, entry.parent);
  }

  /** Takes a rejected or failed comment back into the draft. */
  redraft(entry: CommentEntry): void {
    this.drafting.restore(entry.comment.text, entry.parent);
    this.view.timeline.dismiss(entry.key);
  }

  reply(comment: Comment): void {
    this.drafting.reply(comment);
    this.changed();
  }

  async toggle(entry: CommentEntry, reaction: Exclude<Reaction, "none">): Promise<void> {
    const next = entry.reaction === reaction ? "none" : reaction;
    this.#complain(await this.view.react(entry.comment.id, next));
  }

  async remove(comment: Comment): Promise<void> {
    this.#complain(await this.client.delete(comment.id));
  }

  async pin(comment: Comment | null): Promise<void> {
    this.#complain(await this.client.pin(comment?.id ?? null));
  }

  async decide(comment: Comment, review: "approve" | "remove"): Promise<void> {
    const outcome = await this.client.moderate(comment.id, review);
    if (outcome.status === "done") this.review.decided(comment.id);
    this.#complain(outcome);
  }

  /** Gives why the change was refused. */
  async changeSettings(patch: Partial<Settings>): Promise<string | undefined> {
    return refusal(await this.client.changeSettings(patch));
  }

  /** Reads older comments. True when there were some. */
  async loadOlder(): Promise<boolean> {
    if (this.loadingOlder || !this.view.timeline.more) return false;
    this.loadingOlder = true;
    this.changed();
    try {
      return await this.view.loadOlder();
    } catch {
      this.toast("Earlier comments could not be loaded.");
      return false;
    } finally {
      this.loadingOlder = false;
      this.changed();
    }
  }

  async fill(gap: GapEntry): Promise<void> {
    try {
      await this.view.fill(gap);
    } catch {
      this.toast("The missing comments could not be loaded.");
    }
  }

  async openThread(id: string): Promise<void> {
    const thread = new Thread(this.client, id, this.view.timeline.find(id)?.comment);
    this.thread = thread;
    this.changed();
    await thread.load();
    this.changed();
  }

  closeThread(): void {
    this.thread = undefined;
    this.changed();
  }

  show(panel: Panel): void {
    this.panel = this.panel === panel ? "none" : panel;
    clearInterval(this.#reviewing);
    if (this.panel === "review") {
      void this.review.load();
      this.#reviewing = setInterval(() => void this.review.load(), REVIEW_EVERY_MS);
    }
    this.changed();
  }

  select(key: string | undefined): void {
    this.selected = this.selected === key ? undefined : key;
    this.changed();
  }

  toast(text: string, stream?: string): void {
    this.#toasts += 1;
    const toast: Toast = { id: this.#toasts, text };
    if (stream !== undefined) toast.stream = stream;
    this.toasts = [...this.toasts, toast].slice(-TOASTS_MAX);
    setTimeout(() => this.dismissToast(toast.id), TOAST_MS);
    this.#announcer.now(text);
  }

  dismissToast(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
    this.changed();
  }

  async #sendEdit(comment: Comment): Promise<void> {
    const { drafting } = this;
    const text = drafting.text.trim();
    drafting.cancelEdit();
    this.changed();
    if (text === comment.text) return;
    const why = refusal(await this.client.edit(comment.id, text));
    if (why === undefined) return;
    drafting.edit(comment);
    drafting.text = text;
    this.toast(why);
  }

  #posted(outcome: Outcome, text: string, replyTo: Comment | undefined): void {
    const { drafting } = this;
    const slowMs = this.moderates ? 0 : (this.view.settings?.slowModeS ?? 0) * 1_000;
    switch (outcome.status) {
      case "accepted":
      case "held":
        drafting.nextAtMs = Date.now() + slowMs;
        this.#announcer.now(
          outcome.status === "held" ? "Your comment waits for a moderator." : "Your comment is shown.",
        );
        break;
      case "rate_limited":
        drafting.nextAtMs = Date.now() + outcome.retryAfterMs;
        drafting.restore(text, replyTo);
        this.#announcer.now(`You can comment again in ${wait(outcome.retryAfterMs)}. Your text is kept.`);
        break;
      default:
        this.#announcer.now(`Your comment was not sent: ${refusal(outcome)}`);
    }
    this.changed();
  }

  #heard(comment: Comment): void {
    if (this.mentionsMe(comment))
      this.#announcer.now(`${comment.author.name} mentioned you: ${comment.text}`);
    else this.#announcer.comment(comment);
  }

  #complain(outcome: Outcome): void {
    const why = refusal(outcome);
    if (why !== undefined) this.toast(why);
  }
}

/** Why a command was not carried out, for a person; nothing when it was. */
export function refusal(outcome: Outcome): string | undefined {
  switch (outcome.status) {
    case "rejected":
      return quoted(outcome.reason);
    case "lost":
      return outcome.reason;
    case "rate_limited":
      return `Too fast: try again in ${wait(outcome.retryAfterMs)}.`;
    case "error":
      return quoted(outcome.problem.detail || outcome.problem.title);
    default:
      return undefined;
  }
}
