/** The real program: a PoP on a fresh data folder, with tokens for whoever is needed. */

import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The first start compiles every component to machine code. */
const READY_MS = 180_000;
const STOP_MS = 20_000;

function needed(name: string, what: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: it names ${what}; \`cargo xtask test\` sets it`);
  return value;
}

export interface Person {
  user: string;
  name?: string;
  role?: "viewer" | "moderator";
}

export class Pop {
  readonly url: string;
  readonly #data: string;
  readonly #operators: string;
  #process: ReturnType<typeof spawn> | undefined;

  private constructor(data: string, port: number, operatorsPort: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#data = data;
    this.#operators = `127.0.0.1:${operatorsPort}`;
  }

  static async start(): Promise<Pop> {
    const data = await mkdtemp(join(tmpdir(), "ringside-browser-"));
    const pop = new Pop(data, await freePort(), await freePort());
    await pop.serve();
    return pop;
  }

  /** Serves, after `kill` on the same address and data as before. */
  async serve(): Promise<void> {
    const bundle = needed("RINGSIDE_BUNDLE", "a folder with `components/` and `web/`");
    const log = join(this.#data, "server.log");
    const address = this.url.replace("http://", "");
    const words = ["serve", "--development", "--listen", address, "--operators", this.#operators];
    const child = spawn(
      "/bin/sh",
      [
        "-c",
        'exec "$0" "$@" >>"$RINGSIDE_TEST_LOG" 2>&1',
        program(),
        ...words,
        "--bundle",
        bundle,
        "--data",
        this.#data,
      ],
      { stdio: "ignore", env: { ...process.env, RINGSIDE_TEST_LOG: log } },
    );
    this.#process = child;
    const lastMs = Date.now() + READY_MS;
    for (;;) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      if (child.exitCode !== null || Date.now() > lastMs) {
        const said = await readFile(log, "utf8").catch(() => "");
        throw new Error(
          `ringside did not become ready (exit code ${child.exitCode}):\n${said.slice(-4_000)}`,
        );
      }
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async token({ user, name = user, role = "viewer" }: Person): Promise<string> {
    const words = ["token", "--user", user, "--name", name, "--role", role, "--data", this.#data];
    const { stdout } = await promisify(execFile)(program(), words);
    return stdout.trim();
  }

  /** The page's link for someone, or for a guest. */
  async link(stream: string, person?: Person): Promise<string> {
    const page = `${this.url}/?stream=${stream}`;
    return person ? `${page}#token=${await this.token(person)}` : page;
  }

  /** Ends the process as a crash does, or asks it to stop. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(impatience);
  }

  async close(): Promise<void> {
    await this.kill("SIGTERM");
    await rm(this.#data, { recursive: true, force: true });
  }
}

function program(): string {
  return needed("RINGSIDE_BIN", "the program `ringside`");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
