import assert from "node:assert/strict";
import { test } from "node:test";
import type { Comment, Settings } from "@ringside/client";
import { closedFor, Drafting, suggest } from "../src/drafting.ts";

const comment = (id: string, text = id): Comment => ({
  id,
  author: { id: "bob", name: "Bob", role: "viewer", member: false },
  text,
  atMs: 0,
  mentions: [],
  edited: false,
  likes: 0,
  dislikes: 0,
  replies: 0,
  held: false,
});

test("what could not be sent comes back before what was written since, with what it answered", () => {
  const draft = new Drafting();
  draft.text = "  first  ";
  draft.reply(comment("a"));
  const { text, replyTo } = draft.take();
  assert.deepEqual([text, replyTo?.id, draft.text, draft.replyTo], ["first", "a", "", undefined]);
  draft.text = "second";
  draft.restore(text, replyTo);
  assert.deepEqual([draft.text, draft.replyTo?.id], ["first\nsecond", "a"]);
});

test("an edit puts the draft aside and gives it back", () => {
  const draft = new Drafting();
  draft.text = "half a thought";
  draft.edit(comment("mine", "old text"));
  assert.equal(draft.text, "old text");
  draft.edit(comment("other", "other text"));
  draft.cancelEdit();
  assert.deepEqual([draft.text, draft.editing], ["half a thought", undefined]);
});

test("length counts characters as the server does, and blank text is not sent", () => {
  const draft = new Drafting();
  draft.text = "👏".repeat(500);
  assert.deepEqual([draft.left, draft.sendable], [0, true]);
  draft.text += "!";
  assert.deepEqual([draft.left, draft.sendable], [-1, false]);
  draft.text = " \n ";
  assert.equal(draft.sendable, false);
});

test("a mention begins where the text ends", () => {
  const draft = new Drafting();
  draft.mention("Ann Lee");
  assert.equal(draft.text, "@annlee ");
  draft.text = "hi";
  draft.mention("Bob");
  assert.equal(draft.text, "hi @bob ");
});

test("who may not comment is told why, and moderators always may", () => {
  const open = { closed: false, membersOnly: false } as Settings;
  const viewer = { moderates: false, member: false };
  const rows: [Partial<Settings>, { moderates: boolean; member: boolean }, RegExp | undefined][] = [
    [{}, viewer, undefined],
    [{ closed: true }, viewer, /closed/],
    [{ closed: true }, { moderates: true, member: false }, undefined],
    [{ membersOnly: true }, viewer, /members/],
    [{ membersOnly: true }, { moderates: false, member: true }, undefined],
  ];
  for (const [settings, user, why] of rows) {
    const said = closedFor({ ...open, ...settings }, user);
    if (why) assert.match(said ?? "", why);
    else assert.equal(said, undefined);
  }
});

test("names are offered for the mention at the caret, and only there", () => {
  const names = ["Ann Lee", "Anna", "Bob", "Зоя"];
  const rows: [string, number | undefined, string[] | undefined][] = [
    ["@an", 0, ["Ann Lee", "Anna"]],
    ["hello @AN", 6, ["Ann Lee", "Anna"]],
    ["@", 0, ["Ann Lee", "Anna", "Bob", "Зоя"]],
    ["@з", 0, ["Зоя"]],
    ["mail@an", undefined, undefined],
    ["@an ", undefined, undefined],
    ["@bob", undefined, undefined],
    ["@nobody", undefined, undefined],
  ];
  for (const [text, from, found] of rows) {
    const offer = suggest(text, text.length, names);
    assert.deepEqual([offer?.from, offer?.names], [from, found], text);
  }
});
