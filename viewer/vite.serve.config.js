// Builds the page of `atsal serve` into src/atsal/serving/static: fixed names, no map files. The service shows the page at /
// and the rest in /static/.
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

const PACKAGES = ["tus-js-client", "js-base64", "url-parse", "requires-port", "querystringify"]; // that the script contains

const licences = {
  name: "licences",
  generateBundle() {
    const parts = PACKAGES.map((name) => {
      const read = (file) => readFileSync(new URL(`node_modules/${name}/${file}`, import.meta.url), "utf8");
      const licence = name === "js-base64" ? read("LICENSE.md") : read("LICENSE");
      return `${name} ${JSON.parse(read("package.json")).version}\n\n${licence.trim()}\n`;
    });
    this.emitFile({ type: "asset", fileName: "licences.txt", source: `serve.js contains:\n\n${parts.join("\n")}` });
  },
};

export default defineConfig({
  base: "/static/",
  plugins: [licences],
  build: {
    outDir: "../src/atsal/serving/static",
    emptyOutDir: true,
    modulePreload: false,
    target: "es2022",
    rollupOptions: {
      input: "serve.html",
      output: { entryFileNames: "serve.js", assetFileNames: "serve[extname]" },
    },
  },
});
