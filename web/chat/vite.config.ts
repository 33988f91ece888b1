import { defineConfig } from "vite";

/** Where `npm run dev` finds a running host. */
const HOST = process.env.RINGSIDE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  // Relative: the page may be served below any path.
  base: "./",
  resolve: { conditions: ["source", "module", "browser", "development|production"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/v1": { target: HOST, ws: true } } },
});
