import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Comment,
  type GapEntry,
  type Joined,
  type Page,
  SHOWN_MAX,
  Timeline,
  WAITING_MAX,
} from "@ringside/client";

const ME = "me";

function comment(id: string, more: Partial<Comment> = {}): Comment {
  return {
    id,
    author: { id: "bob", name: "Bob", role: "viewer", member: false },
    text: `text of ${id}`,
    atMs: 0,
    mentions: [],
    edited: false,
    likes: 0,
    dislikes: 0,
    replies: 0,
    held: false,
    ...more,
  };
}

const mine = (id: string, more: Partial<Comment> = {}) =>
  comment(id, { author: { id: ME, name: "Me", role: "viewer", member: false }, ...more });

function joined(history: Comment[], more: Partial<Joined> = {}): Joined {
  return {
    stream: "demo",
    position: "",
    resumed: "fresh",
    settings: {} as Joined["settings"],
    viewers: 0,
    emoji: new Map(),
    pinned: null,
    history,
    more: false,
    ...more,
  };
}

function timeline(...ids: string[]): Timeline {
  const one = new Timeline();
  one.signedIn(ME);
  one.joined(joined(ids.map((id) => comment(id))));
  return one;
}

const arrive = (one: Timeline, ...comments: Comment[]) =>
  one.apply(comments.map((comment) => ({ type: "comment", comment })));

/** Ids of what is shown; a gap is `-`. */
const ids = (one: Timeline) =>
  one.entries.map((entry) => (entry.kind === "gap" ? "-" : entry.comment.id)).join(" ");

const page = (items: Comment[], more: Partial<Page> = {}): Page => ({
  items: [...items].reverse(),
  next: null,
  previous: null,
  ...more,
});

for (const order of ["reply first", "batch first"]) {
  test(`a pending comment becomes the real one, shown once and under one key, ${order}`, () => {
    const one = timeline("a");
    one.submit(mine("?"), "ref-1");
    assert.equal(ids(one), "a ref-1");
    const accept = () => one.settle("ref-1", { status: "accepted", id: "m1" });
    if (order === "reply first") accept();
    arrive(one, comment("b"), mine("m1", { likes: 2 }));
    if (order === "batch first") {
      assert.equal(ids(one), "a b ref-1");
      accept();
    }
    assert.equal(ids(one).split(" ").sort().join(" "), "a b m1");
    const entry = one.find("m1");
    assert.equal(entry?.key, "ref-1");
    assert.equal(entry?.status, "shown");
    assert.equal(entry?.comment.likes, 2);
  });
}

test("a comment of mine from another device is shown when no answer is due any more", () => {
  const one = timeline();
  one.submit(mine("?"), "ref-1");
  arrive(one, mine("phone"), mine("m1"));
  assert.equal(ids(one), "ref-1");
  one.settle("ref-1", { status: "accepted", id: "m1" });
  assert.equal(ids(one), "m1 phone");
});

test("what became of a comment is shown with its reason", () => {
  const one = timeline();
  const outcomes = [
    [{ status: "rejected", reason: "no links" }, "rejected", "no links"],
    [{ status: "lost", reason: "no connection" }, "failed", "no connection"],
    [{ status: "error", problem: { number: 501, title: "try again", detail: "" } }, "failed", "try again"],
  ] as const;
  for (const [at, [outcome, status, reason]] of outcomes.entries()) {
    one.submit(mine("?"), `ref-${at}`);
    one.settle(`ref-${at}`, outcome);
    const entry = one.find(`ref-${at}`);
    assert.deepEqual([entry?.status, entry?.reason], [status, reason]);
  }
  one.submit(mine("?"), "held");
  one.settle("held", { status: "held", id: "h1" });
  assert.equal(one.find("h1")?.status, "held");
  arrive(one, mine("h1"));
  assert.equal(one.find("h1")?.status, "shown");
  one.submit(mine("?"), "fast");
  one.settle("fast", { status: "rate_limited", retryAfterMs: 1 });
  assert.equal(ids(one), "ref-0 ref-1 ref-2 h1");
  one.dismiss("ref-0");
  assert.equal(ids(one), "ref-1 ref-2 h1");
});

test("a failed comment that is sent again takes the place of both the failed and the real one", () => {
  const one = timeline();
  one.submit(mine("?"), "ref-1");
  one.settle("ref-1", { status: "lost", reason: "" });
  // It had arrived after all.
  arrive(one, mine("m1"));
  one.submit(mine("?"), "ref-1");
  one.settle("ref-1", { status: "accepted", id: "m1" });
  assert.equal(ids(one), "m1");
});

test("edits, removals, totals and replies change the comment that they are about", () => {
  const one = timeline("a", "b");
  one.apply([
    { type: "edited", id: "a", text: "new" },
    { type: "reactions", id: "a", likes: 3, dislikes: 1 },
    { type: "removed", id: "b", by: "moderator" },
    { type: "edited", id: "unknown", text: "nobody minds" },
  ]);
  arrive(one, comment("c", { replyTo: "a" }));
  const a = one.find("a");
  assert.deepEqual(
    [a?.comment.text, a?.comment.edited, a?.comment.likes, a?.comment.dislikes, a?.comment.replies],
    ["new", true, 3, 1, 1],
  );
  assert.equal(one.find("b")?.removedBy, "moderator");
  assert.equal(one.find("c")?.parent?.text, "new");
  // The same reply again, and its parent's history, count it once.
  arrive(one, comment("c", { replyTo: "a" }));
  assert.equal(one.find("a")?.comment.replies, 1);
});

test("a like is shown at once, replaced by the totals, and taken back when it fails", () => {
  const one = timeline("a");
  assert.equal(one.react("a", "like"), "none");
  assert.equal(one.find("a")?.comment.likes, 1);
  assert.equal(one.react("a", "dislike"), "like");
  assert.deepEqual([one.find("a")?.comment.likes, one.find("a")?.comment.dislikes], [0, 1]);
  one.apply([{ type: "reactions", id: "a", likes: 7, dislikes: 2 }]);
  one.react("a", "none");
  assert.deepEqual([one.find("a")?.comment.likes, one.find("a")?.comment.dislikes], [7, 1]);
});

test("the list is bounded, and knows that there is more above", () => {
  const one = timeline("a");
  for (let n = 0; n < SHOWN_MAX; n += 1) arrive(one, comment(`n${n}`));
  assert.equal(one.entries.length, SHOWN_MAX);
  assert.ok(one.more);
  assert.equal(one.find("a"), undefined);
});

test("while it is held nothing moves, and what waits is counted, changed and then shown", () => {
  const one = timeline("a");
  one.hold();
  const before = one.entries;
  arrive(one, comment("b"), comment("c"));
  assert.equal(one.entries, before);
  assert.equal(one.arrived, 2);
  one.apply([{ type: "removed", id: "b", by: "policy" }]);
  one.release();
  assert.equal(ids(one), "a b c");
  assert.equal(one.find("b")?.removedBy, "policy");
  assert.equal(one.arrived, 0);
});

test("what a reader who holds the list long enough has missed becomes a gap that says how much", () => {
  const one = timeline("a");
  one.hold();
  const count = WAITING_MAX + 100;
  for (let n = 0; n < count; n += 1) arrive(one, comment(`n${n}`));
  assert.equal(one.arrived, count);
  one.advance();
  const gap = one.entries.find((entry) => entry.kind === "gap") as GapEntry;
  assert.equal(gap.after, "a");
  assert.equal(gap.missing, count - (WAITING_MAX - 1));
  assert.equal(gap.before, `n${gap.missing}`);
  while (one.held) one.advance();
  const shown = ids(one).split(" ");
  assert.equal(shown.at(-1), `n${count - 1}`);
  assert.equal(new Set(shown).size, shown.length);
  assert.ok(shown.length <= SHOWN_MAX);
});

test("a gap after a resume is filled page by page, with nothing twice", () => {
  const one = timeline("a");
  one.joined(joined([comment("e"), comment("f")], { resumed: "gap" }));
  assert.equal(ids(one), "a - e f");
  const gap = () => one.entries.find((entry) => entry.kind === "gap") as GapEntry;
  one.fill(gap(), page([comment("b"), comment("c")], { previous: "c" }));
  assert.equal(ids(one), "a b c - e f");
  assert.deepEqual([gap().after, gap().before], ["c", "e"]);
  one.fill(gap(), page([comment("d"), comment("e"), comment("f")]));
  assert.equal(ids(one), "a b c d e f");
});

test("a resume whose history reaches back to what is known leaves no gap", () => {
  const one = timeline("a", "b");
  one.joined(joined([comment("b"), comment("c")], { resumed: "gap" }));
  assert.equal(ids(one), "a b c");
  one.joined(joined([], { resumed: "recovered" }));
  one.joined(joined([comment("z")], { resumed: "sampled" }));
  assert.equal(ids(one), "a b c z");
});

test("an older page stands above, gives parents to their replies, and keeps the list bounded", () => {
  const one = timeline();
  one.joined(joined([comment("c", { replyTo: "b" })], { more: true }));
  assert.ok(one.more);
  one.prepend(page([comment("a"), comment("b")]));
  assert.equal(ids(one), "a b c");
  assert.equal(one.find("c")?.parent?.id, "b");
  assert.equal(one.more, false);

  one.hold();
  for (let n = 0; n < 10; n += 1) {
    const older = Array.from({ length: 50 }, (_, at) => comment(`p${n}-${at}`));
    one.prepend(page(older, { next: "x" }));
  }
  assert.equal(one.entries.length, SHOWN_MAX);
  assert.equal(one.arrived, 0);
});
