/** Emoji that float up: one's own at once, others' as the totals grow. */

export interface Float {
  id: number;
  emoji: string;
  /** Where it rises, 0 to 1 from left to right. */
  place: number;
  /** Milliseconds until it starts. */
  delayMs: number;
}

/** Most at once: more is noise. */
export const FLOATS_MAX = 24;
/** Most that one update of the totals adds for one emoji. */
const BURST_MAX = 5;
/** Totals come this often; their growth is spread over it. */
const SPREAD_MS = 500;

export class Floats {
  flying: readonly Float[] = [];
  readonly #random: () => number;
  #totals: ReadonlyMap<string, number> = new Map();
  /** Own taps that the totals do not tell of yet. */
  readonly #mine = new Map<string, number>();
  #ids = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  tap(emoji: string): void {
    this.#mine.set(emoji, (this.#mine.get(emoji) ?? 0) + 1);
    this.#fly(emoji, 0);
  }

  /** Counting begins here: what was tapped before is no news. */
  reset(totals: ReadonlyMap<string, number>): void {
    this.#totals = totals;
    this.#mine.clear();
  }

  /** Takes new totals in. */
  update(totals: ReadonlyMap<string, number>): void {
    const before = this.#totals;
    this.#totals = totals;
    for (const [emoji, total] of totals) {
      const grown = total - (before.get(emoji) ?? 0);
      const mine = Math.min(grown, this.#mine.get(emoji) ?? 0);
      if (mine > 0) this.#mine.set(emoji, (this.#mine.get(emoji) ?? 0) - mine);
      for (let n = 0; n < Math.min(grown - mine, BURST_MAX); n += 1) {
        this.#fly(emoji, Math.round(this.#random() * SPREAD_MS));
      }
    }
  }

  land(id: number): void {
    this.flying = this.flying.filter((float) => float.id !== id);
  }

  #fly(emoji: string, delayMs: number): void {
    this.#ids += 1;
    const float = { id: this.#ids, emoji, place: this.#random(), delayMs };
    this.flying = [...this.flying, float].slice(-FLOATS_MAX);
  }
}
