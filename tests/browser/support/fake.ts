/** A fake host that serves the built page, with people who talk. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FakeHost } from "#fake-host";

const PAGE = fileURLToPath(new URL("../../../chat/dist", import.meta.url));
const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
};

export async function fakeHost(): Promise<FakeHost> {
  const host = new FakeHost();
  host.files = (path) => {
    const file = path === "/" ? "/index.html" : path;
    try {
      const type = TYPES[file.split(".").at(-1) ?? ""] ?? "application/octet-stream";
      return { body: readFileSync(PAGE + file.replaceAll("..", "")), type };
    } catch {
      return undefined;
    }
  };
  return host.start();
}

const NAMES = [
  "Ann",
  "Björk",
  "chen_wei",
  "Dara",
  "Émile",
  "Fatima",
  "gamer_4life",
  "Hana",
  "Ивана",
  "João",
  "Kofi",
  "Lena",
  "Mateo",
  "نور",
  "Olu",
  "Priya",
  "Quinn",
  "Ravi",
  "さくら",
  "Tomás",
];
const TEXTS = [
  "that last corner was unreal",
  "anyone else getting a little stutter? works again now",
  "GOOO",
  "first time here, hello everyone 👋",
  "the commentary is so good today",
  "what lap are we on?",
  "12 of 20 I think",
  "no way he holds that line in the rain, the tyres are gone and everybody behind is on fresh softs",
  "😂😂😂",
  "replay please",
  "schöne Grüße aus Köln",
  "これはすごい",
  "هذا رائع جدا",
  "the lap times: https://example.org/times/lap-12 are worth a look",
  "I said it yesterday and I say it again: watch car 7",
];

/** The same sequence for the same seed. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function somebody(roll: () => number): { name: string; text: string } {
  const pick = (list: string[]) => list[Math.floor(roll() * list.length)] ?? "";
  return { name: pick(NAMES), text: pick(TEXTS) };
}

/** Fills a stream with a conversation that ended just now. */
export function converse(host: FakeHost, count: number): void {
  const roll = dice(7);
  const stream = host.stream();
  for (let n = 0; n < count; n += 1) {
    const { name, text } = somebody(roll);
    const more = { at: Date.now() - (count - n) * 4_000, member: false };
    const id = name.toLowerCase();
    const { member: _, ...fields } = more;
    const parent = roll() < 0.15 ? stream.comments.at(-3) : undefined;
    const comment = stream.comment(
      {
        id,
        name,
        ...(roll() < 0.2 ? { member: true } : {}),
        ...(name === "Lena" ? { role: "moderator" } : {}),
      },
      text,
      parent ? { ...fields, reply_to: parent.id } : fields,
    );
    if (roll() < 0.25) comment.likes = 1 + Math.floor(roll() * 40);
    if (roll() < 0.05) comment.dislikes = 1 + Math.floor(roll() * 4);
  }
  stream.viewers = 18_240;
  for (const [emoji, total] of [
    ["❤️", 1_204],
    ["😂", 88],
    ["🔥", 15_320],
    ["👏", 640],
    ["🎉", 12],
  ] as const) {
    stream.emoji.set(emoji, total);
  }
}

/** Talks at a rate until stopped. */
export function talk(host: FakeHost, perSecond: number, seed = 11): () => void {
  const roll = dice(seed);
  const timer = setInterval(() => {
    const { name, text } = somebody(roll);
    host.say(name, text);
  }, 1_000 / perSecond);
  return () => clearInterval(timer);
}
