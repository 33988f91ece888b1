/** A comment's text with its links and mentions. */

import { partsOf } from "../rich-text.ts";

export function RichText({ text, me }: { text: string; me: string | undefined }) {
  return (
    <span class="text" dir="auto">
      {partsOf(text).map((part) => {
        if (part.kind === "link") {
          return (
            <a key={part.at} href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">
              {part.text}
            </a>
          );
        }
        if (part.kind === "mention") {
          return (
            <span key={part.at} class={part.handle === me ? "mention me" : "mention"}>
              {part.text}
            </span>
          );
        }
        return part.text;
      })}
    </span>
  );
}
