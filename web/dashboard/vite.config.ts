import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

export default defineConfig({
  base: '/',
  plugins: [svelte({ preprocess: [], compilerOptions: { runes: true } })],
  build: {
    target: 'es2023',
    // The polyfill is an inline script and data: URLs need a wider policy than the page is served under.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
})
