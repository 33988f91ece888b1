/** What the tests of the client share. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type Batch,
  Client,
  type ClientOptions,
  type Comment,
  type Joined,
  type Notice,
  type State,
  type Timing,
  type WebSocketConstructor,
} from "@ringside/client";
import { WebSocket } from "ws";
import { FakeHost } from "./host/host.ts";

/** Longest wait of a test for something that must happen. */
const PATIENCE_MS = 60_000;

/** All waits short, so that tests that need one take milliseconds. */
export const QUICK: Partial<Timing> = {
  backoffMs: 20,
  backoffMsMax: 50,
  retireMs: 500,
  emojiFirstMs: 10,
  emojiEveryMs: 30,
};

export async function until(condition: () => unknown, what = condition.toString()): Promise<void> {
  const lastMs = Date.now() + PATIENCE_MS;
  while (!condition()) {
    assert.ok(Date.now() < lastMs, `this never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

export const nodeSocket = WebSocket as unknown as WebSocketConstructor;

/** A client that writes down what it is told. */
export class Witness {
  readonly client: Client;
  readonly states: State[] = [];
  readonly joins: Joined[] = [];
  readonly batches: Batch[] = [];
  readonly notices: Notice[] = [];

  constructor(host: FakeHost, options: Partial<ClientOptions> = {}) {
    this.client = new Client({
      url: host.url,
      stream: "demo",
      webSocket: nodeSocket,
      ...options,
      timing: { ...QUICK, ...options.timing },
    });
    this.client.on("state", (state) => this.states.push(state));
    this.client.on("joined", (joined) => this.joins.push(joined));
    this.client.on("batch", (batch) => this.batches.push(batch));
    this.client.on("notice", (notice) => this.notices.push(notice));
  }

  async live(joins = 1): Promise<this> {
    this.client.connect();
    await until(() => this.joins.length >= joins, `${joins} joins`);
    return this;
  }

  /** Every comment that came in batches. */
  get comments(): Comment[] {
    return this.batches.flatMap(({ events }) =>
      events.flatMap((event) => (event.type === "comment" ? [event.comment] : [])),
    );
  }

  get texts(): string[] {
    return this.comments.map((comment) => comment.text);
  }
}

export interface Scene {
  host: FakeHost;
  /** A client of the host, closed after the test. */
  witness: (options?: Partial<ClientOptions>) => Witness;
  /** As `witness`, signed in and joined. */
  viewer: (name: string, options?: Partial<ClientOptions>) => Promise<Witness>;
}

/** A test with a host of its own. */
export function scene(name: string, play: (scene: Scene, context: TestContext) => Promise<void>): void {
  test(name, async (context) => {
    const host = await new FakeHost().start();
    const witnesses: Witness[] = [];
    const witness: Scene["witness"] = (options) => {
      const one = new Witness(host, options);
      witnesses.push(one);
      return one;
    };
    const viewer: Scene["viewer"] = (user, options) =>
      witness({ token: host.token({ name: user }), ...options }).live();
    try {
      await play({ host, witness, viewer }, context);
    } finally {
      for (const one of witnesses) one.client.close();
      await host.stop();
    }
  });
}
