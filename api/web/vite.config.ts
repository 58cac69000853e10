import { defineConfig } from 'vite';

export default defineConfig({
  base: '/',
  build: {
    target: 'es2023',
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: ['index.html', 'surveys.html'] },
  },
});
