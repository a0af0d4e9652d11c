import fastifyStatic from '@fastify/static';
import type { App } from '../app.js';
import type { ServiceContext } from '../context.js';

const notBuilt = `<!doctype html><meta charset="utf-8"><title>Pilotlight</title>
<p>The service runs. Its dashboard was not built: run <code>npm run build</code> in the checkout and start again.</p>`;

export async function dashboardRoutes(app: App, { dashboardRoot }: ServiceContext): Promise<void> {
  if (dashboardRoot === undefined) {
    app.get('/', { schema: { hide: true } }, async (_request, reply) => reply.type('text/html').send(notBuilt));
    return;
  }
  await app.register(fastifyStatic, {
    root: dashboardRoot,
    schemaHide: true,
    // Built files carry a hash of their content in their names; the page itself does not.
    setHeaders: (response, path) => {
      response.setHeader('cache-control', /\/assets\//.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
