import { defineConfig } from 'vite'

/** The page is static files: `kubectl substratus ui` serves them, and nothing else. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    // Nothing inline: the page's policy refuses it.
    assetsInlineLimit: 0,
    modulePreload: false,
    // The licences of what is compiled in go with it.
    license: true,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
