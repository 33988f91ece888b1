/** Numbers, times and names as people read them. */

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 2 });
const WHOLE = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Up to 9,999 to the digit, above that as `12.3K`. */
export function count(value: number): string {
  return value < 10_000 ? WHOLE.format(value) : COMPACT.format(value);
}

/** In at most four characters: `999`, `1.2K`, `15K`. */
export function short(value: number): string {
  return value < 1_000 ? String(value) : SHORT.format(value);
}

export function clock(atMs: number): string {
  return CLOCK.format(atMs);
}

export function dateTime(atMs: number): string {
  return DATE.format(atMs);
}

/** A wait in whole seconds, rounded up: `9 s`, `2 min`, `1 min 30 s`. */
export function wait(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (minutes === 0) return `${rest} s`;
  if (minutes >= 60) return `${Math.round(minutes / 6) / 10} h`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

export function plural(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A hue, 0 to 359, that stays with a user wherever they comment. */
export function hueOf(userId: string): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < userId.length; at += 1) {
    hash = Math.imul(hash ^ userId.charCodeAt(at), 16_777_619);
  }
  // Steps of 12 degrees: colours that differ by less are taken for the same.
  return ((hash >>> 0) % 30) * 12;
}

/** The first letter of a name, as people see it. */
export function initialOf(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return (first?.segment ?? "?").toLocaleUpperCase();
}

/** Hosts put what they name between backticks; people read quotation marks. */
export function quoted(text: string): string {
  return text.replace(/`([^`]*)`/g, "“$1”");
}
