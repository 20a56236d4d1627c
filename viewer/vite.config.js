// Builds the page into src/atsal/viewing/static: fixed names, no map files, everything relative to the page.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const LICENSED = ["three"]; // what the bundle holds of others

/** The SHA-256 of the sources; tests/viewing/test_bundle.py computes the same. */
function sourcesHash() {
  const top = ["index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.js", "vite.report.config.js"];
  const inside = readdirSync(join(here, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(here, join(entry.parentPath, entry.name)).split(sep).join("/"));
  const hash = createHash("sha256");
  for (const name of [...top, ...inside].sort()) {
    const digest = createHash("sha256").update(readFileSync(join(here, name))).digest("hex");
    hash.update(`${digest}  ${name}\n`);
  }
  return hash.digest("hex");
}

function licences() {
  const parts = LICENSED.map((name) => {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name} ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`;
  });
  return `viewer.js contains these packages.\n\n${parts.join("\n")}`;
}

const record = {
  name: "record",
  generateBundle() {
    const script = readFileSync(join(here, "../src/atsal/viewing/report_sphere.js")); // built before
    const report_sphere_sha256 = createHash("sha256").update(script).digest("hex");
    const build = `${JSON.stringify({ sources_sha256: sourcesHash(), report_sphere_sha256 })}\n`;
    this.emitFile({ type: "asset", fileName: "build.json", source: build });
    this.emitFile({ type: "asset", fileName: "licences.txt", source: licences() });
  },
};

export default defineConfig({
  base: "./",
  plugins: [record],
  build: {
    outDir: "../src/atsal/viewing/static",
    emptyOutDir: true,
    modulePreload: false,
    target: "es2022",
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      output: { entryFileNames: "viewer.js", assetFileNames: "viewer[extname]" },
    },
  },
});
