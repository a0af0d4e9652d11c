// Progress in a React page (page.tsx), served together with a warmer service. Ctrl-C ends both.
//
//   npm run example react-progress

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { createServer as createPages } from 'vite';
import { example } from '../support/example.js';
import { startService } from '../support/service.js';

await example(async (connection, signal) => {
  const service = await startService(connection);
  const web = createServer((request, response) => pages.middlewares(request, response));
  const pages = await createPages({
    root: fileURLToPath(new URL('.', import.meta.url)),
    configFile: false,
    logLevel: 'warn',
    plugins: [react()],
    optimizeDeps: { include: ['@pilotlight/sdk/react', '@pilotlight/sdk/remote'] },
    resolve: { conditions: ['@pilotlight/source', 'import', 'browser', 'default'] },
    server: {
      middlewareMode: { server: web },
      hmr: false,
      // The service lets in pages of its own origin only, so the proxy speaks in its name.
      proxy: { '/v1': { target: service.url, ws: true, changeOrigin: true, headers: { origin: service.url } } },
    },
  });
  try {
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    console.log(`Open http://127.0.0.1:${(web.address() as AddressInfo).port}/`);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    web.closeAllConnections();
    web.close();
    await pages.close();
    await service.stop();
  }
  throw signal.reason;
});
