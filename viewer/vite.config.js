// Builds the page into src/atsal/viewing/static: fixed names, no map files, everything relative to the page.
// What only the page that predicts needs is in live/.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { defaultClientConditions, defineConfig } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "src", "atsal", "viewing", "static");
const LICENSED = { // what the bundle holds of others, and where their licences are
  three: "node_modules/three/LICENSE",
  "onnxruntime-web": "src/live/onnxruntime-licence.txt", // the package has none
};
const RUNTIME = "live/onnxruntime.gzip";
const runtime = (end) => readFileSync(join(here, "node_modules", "onnxruntime-web", "dist", `ort-wasm-simd-threaded.${end}`));
const wasm = runtime("wasm");
const packedWasm = packed(); // now: the build removes the earlier file

/** The WebAssembly in gzip. The earlier file stays if it has the same content: other versions of Node pack otherwise. */
function packed() {
  const path = join(target, RUNTIME);
  const before = existsSync(path) ? readFileSync(path) : null;
  return before && gunzipSync(before).equals(wasm) ? before : gzipSync(wasm, { level: 9 });
}

/** The SHA-256 of the sources; tests/viewing/test_bundle.py computes the same. */
function sourcesHash() {
  const top = ["index.html", "serve.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.js", "vite.report.config.js", "vite.serve.config.js"];
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

/** The SHA-256 of the page of `atsal serve`, which is built before. */
function serviceHash() {
  const folder = join(here, "../src/atsal/serving/static");
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, name)));
  return hash.digest("hex");
}

function licences() {
  const parts = Object.entries(LICENSED).map(([name, licence]) => {
    const { version } = JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
    return `${name} ${version}\n\n${readFileSync(join(here, licence), "utf8").trim()}\n`;
  });
  return `viewer.js contains three, and live/ contains onnxruntime-web.\n\n${parts.join("\n")}`;
}

const record = {
  name: "record",
  generateBundle() {
    const script = readFileSync(join(here, "../src/atsal/viewing/report_sphere.js")); // built before
    const report_sphere_sha256 = createHash("sha256").update(script).digest("hex");
    const wasm_sha256 = createHash("sha256").update(wasm).digest("hex");
    const build = { sources_sha256: sourcesHash(), report_sphere_sha256, service_sha256: serviceHash(), wasm_sha256 };
    this.emitFile({ type: "asset", fileName: RUNTIME, source: packedWasm });
    this.emitFile({ type: "asset", fileName: "live/wasm.worker.js", source: runtime("mjs") });
    this.emitFile({ type: "asset", fileName: "build.json", source: `${JSON.stringify(build)}\n` });
    this.emitFile({ type: "asset", fileName: "licences.txt", source: licences() });
  },
};

// A page that is opened as a file may load styles, but none by CORS. With them, it shows only what it needs to work.
const plainStyles = {
  name: "plain-styles",
  transformIndexHtml: {
    order: "post",
    handler: (html) => html.replace('<link rel="stylesheet" crossorigin', '<link rel="stylesheet"'),
  },
};

export default defineConfig({
  base: "./",
  plugins: [record, plainStyles],
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es", rollupOptions: { output: { entryFileNames: "live/live.worker.js" } } },
  build: {
    outDir: target,
    emptyOutDir: true,
    modulePreload: false,
    target: "es2022",
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      output: {
        entryFileNames: "viewer.js",
        chunkFileNames: "live/[name].js",
        assetFileNames: "viewer[extname]",
      },
    },
  },
});
