// Tests of E2B code without an account and without a network: real sandboxes on this machine, and bad days on demand.
//
//   npx vitest run examples/offline-testing

import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { Sandbox } from 'e2b';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { runSnippet } from './app.js';

let host: LocalHost;
beforeAll(async () => {
  host = await startLocalHost();
});
afterEach(() => host.faults.clear());
afterAll(() => host.close());

it('runs code in a real sandbox', async () => {
  expect(await runSnippet('print(6 * 7)', host.connectionOptions)).toBe('42');
});

it('comes through when the plan is full twice', async () => {
  const { rules } = host.faults.add({
    rules: [{ id: 'full', operation: 'create', times: 2, effect: { kind: 'error', status: 429 } }],
  });
  expect(rules).toHaveLength(1);
  expect(await runSnippet('print("made it")', host.connectionOptions)).toBe('made it');
});

it('gives up when the plan stays full', async () => {
  host.faults.add({ limits: { concurrentSandboxes: 0 } });
  await expect(runSnippet('print(1)', host.connectionOptions)).rejects.toThrow(/429|[Rr]ate|limit/);
});

it('fails clearly when the sandbox dies under it', async () => {
  host.faults.add({ rules: [{ operation: 'create', times: 1, effect: { kind: 'earlyDeath', afterMs: 300 } }] });
  await expect(runSnippet('import time; time.sleep(20)', host.connectionOptions)).rejects.toThrow();
});

it('leaves no sandbox behind, whatever happened', async () => {
  host.faults.add({ rules: [{ operation: 'create', times: 1, effect: { kind: 'delay', delayMs: 200 } }] });
  await runSnippet('print(1)', host.connectionOptions);
  expect(await Sandbox.list(host.connectionOptions).nextItems()).toEqual([]);
});
