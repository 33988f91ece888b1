/** Commands on their way: sent as the connection allows, sent again when it breaks, given up in time. */

import { COMMANDS_IN_FLIGHT_MAX } from "./limits.ts";
import type { Link } from "./link.ts";
import type { Outcome } from "./model.ts";
import type { Command } from "./wire.ts";

/** Most commands that wait or are in flight: more than a person gives in the time that a reconnect takes. */
const COMMANDS_MAX = 32;
/** Kept free of the limit for `refresh`. */
const IN_FLIGHT_MAX = COMMANDS_IN_FLIGHT_MAX - 1;

interface Parcel {
  command: Command;
  settle: (outcome: Outcome) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class Outbox {
  readonly #keepMs: number;
  /** In the order in which they were given, unsent ones and those in flight. */
  readonly #parcels = new Map<Parcel, "waiting" | "sent">();
  #link: Link | undefined;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** From now on commands go to this link, those first that another one lost. */
  attach(link: Link | undefined): void {
    this.#link = link;
    this.#pump();
  }

  send(command: Command): Promise<Outcome> {
    if (this.#parcels.size >= COMMANDS_MAX) {
      const detail = `${COMMANDS_MAX} commands wait for their answer: wait for one of them`;
      return Promise.resolve({
        status: "error",
        problem: { number: 302, title: "too many commands at once", detail },
      });
    }
    return new Promise((settle) => {
      const give = () => this.#settle(parcel, { status: "lost", reason: "there was no connection" });
      const parcel: Parcel = { command, settle, timer: setTimeout(give, this.#keepMs) };
      this.#parcels.set(parcel, "waiting");
      this.#pump();
    });
  }

  /** Gives everything up. */
  clear(reason: string): void {
    this.#link = undefined;
    for (const parcel of [...this.#parcels.keys()]) this.#settle(parcel, { status: "lost", reason });
  }

  #pump(): void {
    const link = this.#link;
    if (!link) return;
    for (const [parcel, state] of [...this.#parcels]) {
      if (state === "sent" || link.inFlight >= IN_FLIGHT_MAX) continue;
      const retryAfterMs = link.waitMs();
      if (retryAfterMs > 0) this.#settle(parcel, { status: "rate_limited", retryAfterMs });
      else void this.#deliver(link, parcel);
    }
  }

  async #deliver(link: Link, parcel: Parcel): Promise<void> {
    this.#parcels.set(parcel, "sent");
    const outcome = await link.send(parcel.command);
    if (outcome.status !== "lost" || !repeats(parcel.command)) this.#settle(parcel, outcome);
    else if (this.#parcels.has(parcel)) this.#parcels.set(parcel, "waiting");
    this.#pump();
  }

  #settle(parcel: Parcel, outcome: Outcome): void {
    if (!this.#parcels.delete(parcel)) return;
    clearTimeout(parcel.timer);
    parcel.settle(outcome);
  }
}

/** Emoji would be counted twice; all else changes nothing when it is carried out again. */
function repeats(command: Command): boolean {
  return command.type !== "emoji";
}
