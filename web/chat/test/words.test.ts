import assert from "node:assert/strict";
import { test } from "node:test";
import { readAddress } from "../src/address.ts";
import { count, hueOf, initialOf, plural, quoted, short, wait } from "../src/format.ts";
import { partsOf } from "../src/rich-text.ts";
import { termsIn } from "../src/terms.ts";

test("links and mentions are found, and nothing else becomes one", () => {
  const rows: [string, string][] = [
    ["plain", "plain"],
    ["see https://a.example/x?y=1.", "see [https://a.example/x?y=1]."],
    ["(https://a.example)", "([https://a.example])"],
    ["javascript:alert(1) http://", "javascript:alert(1) http://"],
    ["<b>@ann</b>", "<b>{@ann}</b>"],
    ["hi @Ann-Lee, @b.", "hi {@Ann-Lee}, {@b}."],
    ["ann@home.example", "ann@home.example"],
    ["@ alone", "@ alone"],
    ["@さくら 👋", "{@さくら} 👋"],
    ["https://a.example/@ann", "[https://a.example/@ann]"],
  ];
  for (const [text, marked] of rows) {
    const parts = partsOf(text);
    const shown = parts.map((part) => {
      if (part.kind === "link") return `[${part.text}]`;
      return part.kind === "mention" ? `{${part.text}}` : part.text;
    });
    assert.equal(shown.join(""), marked);
    assert.equal(parts.map((part) => part.text).join(""), text);
    assert.equal(new Set(parts.map((part) => part.at)).size, parts.length);
  }
});

test("numbers and waits are short", () => {
  assert.deepEqual([0, 999, 9_999, 12_345, 4_800_000].map(count), ["0", "999", "9,999", "12.3K", "4.8M"]);
  assert.deepEqual([12, 1_204, 15_320].map(short), ["12", "1.2K", "15K"]);
  assert.deepEqual([0, 1, 9_001, 60_000, 90_000, 5_400_000].map(wait), [
    "0 s",
    "1 s",
    "10 s",
    "1 min",
    "1 min 30 s",
    "1.5 h",
  ]);
  assert.deepEqual([plural(1, "reply", "replies"), plural(2, "reply", "replies")], ["1 reply", "2 replies"]);
});

test("what a host names stands in quotation marks", () => {
  assert.equal(
    quoted("`spoiler` is on the list `en`: say `it` later"),
    "“spoiler” is on the list “en”: say “it” later",
  );
});

test("a user keeps their colour and initial", () => {
  assert.equal(hueOf("ann"), hueOf("ann"));
  const hues = new Set(Array.from({ length: 200 }, (_, n) => hueOf(`user-${n}`)));
  assert.ok(hues.size > 20);
  assert.deepEqual(["ann", " émile", "👩‍🚀 x", ""].map(initialOf), ["A", "É", "👩‍🚀", "?"]);
});

test("the token is read from the fragment only", () => {
  assert.deepEqual(readAddress("http://h/"), { stream: "demo" });
  assert.deepEqual(readAddress("http://h/?stream=launch#token=a.b-c_d.e"), {
    stream: "launch",
    token: "a.b-c_d.e",
  });
  assert.deepEqual(readAddress("http://h/#stream=lobby&token=x"), { stream: "lobby", token: "x" });
  assert.deepEqual(readAddress("http://h/?stream=%20&token=x"), { stream: "demo" });
});

test("blocked terms are one a line, each once", () => {
  assert.deepEqual(termsIn(" spoiler \n\nend of the film\r\nspoiler\n"), ["spoiler", "end of the film"]);
});
