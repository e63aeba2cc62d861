/* The console's build: static files below /console/ that obey the API server's Content-Security-Policy. */
import { defineConfig } from 'vite';

export default defineConfig({
    base: '/console/',
    esbuild: { jsx: 'automatic', jsxImportSource: 'react' },
    build: {
        target: 'es2022',
        // a data: URL in a style sheet or script would need a wider policy; the polyfill is an inline script
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
    },
    server: {
        // npm run dev: the API as deploy/quickstart starts it, or as POSTHORN_API_URL says
        proxy: { '/v1': process.env.POSTHORN_API_URL ?? 'http://127.0.0.1:8080' },
    },
    test: { include: ['src/**/*.test.ts'] },
});
