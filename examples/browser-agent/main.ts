// A browser that an agent drives: Chromium runs inside the sandbox, started ahead, with a page open. Playwright attaches to it.
//
//   npm run example browser-agent
//
// On this machine it needs the system's Chromium (apt-get install chromium); on E2B, a template that has one.

import { existsSync } from 'node:fs';
import { type ConnectionOptions, defineRuntime, Pilotlight } from '@pilotlight/sdk';
import type { Sandbox } from 'e2b';
import { chromium } from 'playwright-core';
import { example } from '../support/example.js';

const program = '/usr/lib/chromium/chromium';
const browser = defineRuntime({
  name: 'browser',
  template: process.env.E2B_BROWSER_TEMPLATE ?? 'base',
  files: {
    '/home/user/shop.html':
      '<h1>Basket: <b>0</b></h1><button onclick="document.querySelector(\'b\').textContent++">Add apple</button>',
  },
  steps: [
    {
      name: 'chromium',
      run: `${program} --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --remote-debugging-port=9222 --user-data-dir=/tmp/browser file:///home/user/shop.html`,
      background: true,
    },
  ],
  ready: { port: 9222 },
  // What a snapshot link keeps is files, and a browser is processes.
  pool: { target: 1, link: false },
});

/** A port inside a sandbox has a name at E2B; the local host is told by headers which sandbox and port are meant. */
function portOf(sandbox: Sandbox, { sandboxUrl }: ConnectionOptions, port: number) {
  return sandboxUrl
    ? { url: sandboxUrl, headers: { 'e2b-sandbox-id': sandbox.sandboxId, 'e2b-sandbox-port': String(port) } }
    : { url: `https://${sandbox.getHost(port)}`, headers: {} };
}

if (!process.env.E2B_API_KEY && !existsSync(program)) {
  console.error('SKIPPED: no Chromium on this machine. Install it with: apt-get install chromium');
} else {
  await example(async (connection, signal) => {
    await using pilotlight = new Pilotlight({ ...connection, runtimes: [browser] });
    const sandbox = await pilotlight.sandbox('browser', { signal });
    const { url, headers } = portOf(sandbox, connection, 9222);
    const attached = await chromium.connectOverCDP(url, { headers });
    const page = attached.contexts()[0]?.pages()[0];
    if (!page) throw new Error('The browser has no page open.');

    // What an agent does in turns: look at the page, choose an action, carry it out.
    for (const goal of [1, 2, 3]) {
      await page.getByRole('button', { name: 'Add apple' }).click();
      console.log(`goal ${goal}: ${await page.getByRole('heading').textContent()}`);
    }
    console.log(`screenshot: ${(await page.screenshot()).byteLength > 1000 ? 'taken' : 'empty'}`);
    await attached.close();
    await sandbox.kill();
  });
}
