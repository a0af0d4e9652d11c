import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hasRedis } from '../support/redis.js';

/** As many as fit into a minute on two cores; `test/chaos/results` has the long run. */
const cycles = 20;
const cyclesOverHttp = 8;

async function chaos(...words: string[]): Promise<unknown> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const values = ['--conditions=@pilotlight/source', '--import', 'tsx', main, '--json', ...words];
  const run = spawn(process.execPath, values, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  run.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  expect(await new Promise((resolve) => run.once('exit', resolve))).toBe(0);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

const nothingLost = { doubleClaims: 0, orphans: 0, lostClaims: 0, overCreated: 0 };

describe.skipIf(!hasRedis)(
  'three replicas that are killed, over a Redis that pauses and a provider that loses answers',
  () => {
    it('I1 I2 I3 share no sandbox, lose no claim, create too few rather than too many, and leave no orphan', {
      timeout: 240_000,
    }, async () => {
      const result = await chaos('--cycles', String(cycles));
      expect(result).toMatchObject({ cycles, claims: cycles * 3, ...nothingLost });
    });

    it('the same over HTTP, with whole services for replicas', { timeout: 240_000 }, async () => {
      const result = await chaos('--through', 'http', '--cycles', String(cyclesOverHttp));
      expect(result).toMatchObject({ cycles: cyclesOverHttp, claims: cyclesOverHttp * 3, ...nothingLost });
    });
  },
);
