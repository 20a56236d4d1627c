// Builds the script of `atsal report`, which Python puts into the file: one function, without imports.
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    outDir: "../src/atsal/viewing",
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: "src/report/main.ts", formats: ["iife"], name: "atsalReport", fileName: () => "report_sphere.js" },
  },
});
