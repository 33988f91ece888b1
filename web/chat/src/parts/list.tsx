/** The comments: follows the newest, and stands still for a reader. */

import { Component, createRef } from "preact";
import type { Chat } from "../chat.ts";
import { count } from "../format.ts";
import { Icon } from "./icons.tsx";
import { Row } from "./row.tsx";

/** So near the end counts as the end. */
const END_PX = 32;
/** So near the beginning older comments are read. */
const BEGIN_PX = 200;
const FLASH_MS = 1_600;
/** More comments than any list shows at once. */
const FEW = 40;

interface ListProps {
  chat: Chat;
  focusDraft: () => void;
}

/** A row, and how far below the upper edge it stands. */
interface Anchor {
  key: string;
  below: number;
}

export class List extends Component<ListProps> {
  readonly #box = createRef<HTMLDivElement>();
  #top = 0;
  #resizes: ResizeObserver | undefined;

  override componentDidMount(): void {
    const box = this.#box.current;
    if (!box) return;
    // A keyboard that opens, a window that shrinks: who follows keeps following.
    this.#resizes = new ResizeObserver(() => this.#follow());
    this.#resizes.observe(box);
    this.#follow();
  }

  override componentWillUnmount(): void {
    this.#resizes?.disconnect();
  }

  override getSnapshotBeforeUpdate(): Anchor | undefined {
    return this.props.chat.view.timeline.held ? this.#firstVisible() : undefined;
  }

  override componentDidUpdate(_: ListProps, __: object, anchor: Anchor | undefined): void {
    const { timeline } = this.props.chat.view;
    if (!timeline.held) return this.#follow();
    const box = this.#box.current;
    const row = anchor && this.#row(anchor.key);
    if (!box || !row) return;
    // Browsers keep a place by themselves, but not at the very top, where older comments come in.
    const moved = row.offsetTop - box.scrollTop - anchor.below;
    if (Math.abs(moved) > 1) box.scrollTop += moved;
    this.#top = box.scrollTop;
  }

  override render({ chat, focusDraft }: ListProps) {
    const { timeline } = chat.view;
    const { user } = chat.client;
    const epoch = `${user?.id} ${user?.name} ${user?.role} ${chat.view.pinned?.id}`;
    const { entries } = timeline;
    return (
      <div class="list-frame">
        <div
          class={["list", timeline.held ? "reading" : "following", entries.length < FEW && "few"]
            .filter(Boolean)
            .join(" ")}
          ref={this.#box}
          role="log"
          aria-live="off"
          aria-label="Comments"
          aria-describedby="list-help"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          tabIndex={0}
          onScroll={() => this.#scrolled()}
          onKeyDown={(event) => this.#key(event)}
          onFocusIn={(event) => setTabbable(event.target, 0)}
          onFocusOut={(event) => setTabbable(event.target, -1)}
        >
          <p id="list-help" class="hidden">
            Arrow keys go from comment to comment. R replies, L likes, D dislikes, Escape goes to writing.
          </p>
          <p class="beginning">
            {timeline.more ? (chat.loadingOlder ? "Loading earlier comments…" : " ") : this.#beginning()}
          </p>
          {entries.map((entry, at) =>
            entry.kind === "gap" ? (
              <div class="gap" key={entry.key} data-key={entry.key}>
                <button type="button" class="link" onClick={() => chat.fill(entry)}>
                  {entry.missing
                    ? `${count(entry.missing)} comments are not shown`
                    : "Some comments are missing here"}
                  : load
                </button>
              </div>
            ) : (
              <Row
                key={entry.key}
                chat={chat}
                entry={entry}
                epoch={epoch}
                selected={chat.selected === entry.key}
                far={at < entries.length - FEW}
                jumpTo={(id) => this.#jumpTo(id)}
                focusDraft={focusDraft}
              />
            ),
          )}
        </div>
        {timeline.held && (
          <button type="button" class="jump" onClick={() => this.#jumpToEnd()}>
            <Icon name="down" />
            {timeline.arrived > 0 ? `+${count(timeline.arrived)} new` : "Newest"}
          </button>
        )}
      </div>
    );
  }

  #beginning(): string {
    const { chat } = this.props;
    if (chat.client.state.phase !== "live") return " ";
    return chat.view.timeline.entries.length === 0
      ? "No comments yet. Be the first to say something."
      : "The chat begins here.";
  }

  #follow(): void {
    const box = this.#box.current;
    if (!box || this.props.chat.view.timeline.held) return;
    box.scrollTop = box.scrollHeight;
    this.#top = box.scrollTop;
  }

  #scrolled(): void {
    const box = this.#box.current;
    if (!box) return;
    const { chat } = this.props;
    const { timeline } = chat.view;
    const toEnd = box.scrollHeight - box.scrollTop - box.clientHeight;
    const up = box.scrollTop < this.#top - 1;
    const down = box.scrollTop > this.#top;
    this.#top = box.scrollTop;
    if (!timeline.held && up && toEnd > END_PX) timeline.hold();
    else if (timeline.held && down && toEnd < END_PX) timeline.advance();
    if (timeline.held && box.scrollTop < BEGIN_PX) void chat.loadOlder();
  }

  #jumpToEnd(): void {
    this.props.chat.view.timeline.release();
    this.#box.current?.focus({ preventScroll: true });
  }

  /** Shows a comment: in the list where it is there, else as a thread. */
  #jumpTo(id: string): void {
    const { chat } = this.props;
    const entry = chat.view.timeline.find(id);
    const row = entry && this.#row(entry.key);
    if (!row) return void chat.openThread(id);
    chat.view.timeline.hold();
    row.scrollIntoView({ block: "center" });
    this.#top = this.#box.current?.scrollTop ?? 0;
    row.focus({ preventScroll: true });
    row.classList.add("flash");
    setTimeout(() => row.classList.remove("flash"), FLASH_MS);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { chat, focusDraft } = this.props;
    const rows = [...(this.#box.current?.querySelectorAll<HTMLElement>(".row, .gap") ?? [])];
    const target = event.target as HTMLElement;
    const at = rows.findIndex((row) => row.contains(target));
    const entry = chat.view.timeline.entries.find((one) => one.key === rows[at]?.dataset.key);
    const go = (to: number) => {
      const row = rows[Math.max(0, Math.min(to, rows.length - 1))];
      (row?.matches(".gap") ? row.querySelector("button") : row)?.focus();
    };
    const signedIn =
      chat.client.user && entry?.kind === "comment" && entry.status === "shown" ? entry : undefined;
    const keys: Record<string, () => void> = {
      ArrowUp: () => go(at < 0 ? rows.length - 1 : at - 1),
      ArrowDown: () => go(at < 0 ? rows.length - 1 : at + 1),
      Home: () => go(0),
      End: () => (at < 0 ? this.#jumpToEnd() : go(rows.length - 1)),
      Escape: focusDraft,
    };
    if (signedIn) {
      keys.r = () => {
        chat.reply(signedIn.comment);
        focusDraft();
      };
      keys.l = () => void chat.toggle(signedIn, "like");
      keys.d = () => void chat.toggle(signedIn, "dislike");
    }
    const run = keys[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }

  #row(key: string): HTMLElement | undefined {
    return this.#box.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? undefined;
  }

  #firstVisible(): Anchor | undefined {
    const box = this.#box.current;
    if (!box) return undefined;
    for (const row of box.querySelectorAll<HTMLElement>("[data-key]")) {
      if (row.offsetTop + row.offsetHeight > box.scrollTop && row.dataset.key) {
        return { key: row.dataset.key, below: row.offsetTop - box.scrollTop };
      }
    }
    return undefined;
  }
}

/** Of the hundreds of buttons in the list, Tab reaches those of the row that has the focus. */
function setTabbable(target: EventTarget | null, tabIndex: number): void {
  const row = (target as HTMLElement | null)?.closest(".row");
  for (const button of row?.querySelectorAll<HTMLElement>("[tabindex]") ?? []) button.tabIndex = tabIndex;
}
