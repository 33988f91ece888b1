/** Who wrote a comment: initial, name, and what they are on this stream. */

import type { Author } from "@ringside/client";
import { hueOf, initialOf } from "../format.ts";
import { Icon } from "./icons.tsx";

export function Avatar({ author }: { author: Author }) {
  return (
    <span class="avatar" style={{ "--hue": hueOf(author.id) }} aria-hidden="true">
      {initialOf(author.name)}
    </span>
  );
}

export function Name({ author, onClick }: { author: Author; onClick?: () => void }) {
  const name = <bdi>{author.name}</bdi>;
  return (
    <>
      {onClick ? (
        <button
          type="button"
          class="name"
          style={{ "--hue": hueOf(author.id) }}
          title={`Mention ${author.name}`}
          tabIndex={-1}
          onClick={onClick}
        >
          {name}
        </button>
      ) : (
        <span class="name" style={{ "--hue": hueOf(author.id) }}>
          {name}
        </span>
      )}
      {(author.role === "moderator" || author.role === "operator") && (
        <span class="role" title={author.role}>
          <Icon name="shield" />
          <span class="hidden">{author.role}</span>
        </span>
      )}
      {author.member && (
        <span class="role member" title="member">
          ★<span class="hidden">member</span>
        </span>
      )}
    </>
  );
}
