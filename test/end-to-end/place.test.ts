import { spawn } from 'node:child_process';
import { startLocalHost } from '@pilotlight/local';
import { describe, expect, it } from 'vitest';
import { openPlace } from './place.js';

describe('the end-to-end suite against E2B', () => {
  it('says what to do when there is no key', async () => {
    await expect(openPlace({ PILOTLIGHT_E2E: 'cloud' })).rejects.toThrow(/set E2B_API_KEY/);
    await expect(openPlace({ PILOTLIGHT_E2E: 'clod' })).rejects.toThrow(/use "local" or "cloud"/);
  });

  it('runs unchanged where nothing but E2B’s own environment variables says where the sandboxes are', {
    timeout: 240_000,
  }, async () => {
    const host = await startLocalHost();
    const { apiUrl, sandboxUrl, apiKey } = host.connectionOptions;
    const suite = spawn('npx', ['vitest', 'run', 'test/end-to-end/main-job.test.ts', '--reporter=dot'], {
      env: {
        ...process.env,
        PILOTLIGHT_E2E: 'cloud',
        E2B_API_URL: apiUrl,
        E2B_SANDBOX_URL: sandboxUrl,
        E2B_API_KEY: apiKey,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [suite.stdout, suite.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const code = await new Promise((resolve) => suite.once('exit', resolve));
    await host.close();
    expect(code, output).toBe(0);
  });
});
