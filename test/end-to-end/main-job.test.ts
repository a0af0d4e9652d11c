import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { defineRuntime, Pilotlight, type PilotlightOptions, type WarmingProgress, WarmSandbox } from '@pilotlight/sdk';
import { Sandbox } from 'e2b';
import getPort from 'get-port';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

const plain = defineRuntime({
  name: 'plain',
  files: { '/home/user/greeting.txt': 'hello' },
  steps: [{ name: 'prepare', run: 'cp greeting.txt copy.txt' }],
  ready: { file: '/home/user/copy.txt' },
});

let host: LocalHost;
let pilotlight: Pilotlight | undefined;

beforeAll(async () => {
  host = await startLocalHost();
});
afterAll(() => host.close());
afterEach(async () => {
  await pilotlight?.close();
  expect(await running(), 'sandboxes left behind').toEqual([]);
});

function client(options: Partial<PilotlightOptions> = {}): Pilotlight {
  pilotlight = new Pilotlight({ ...host.connectionOptions, runtimes: [plain], ...options });
  return pilotlight;
}

async function running(): Promise<string[]> {
  return (await Sandbox.list(host.connectionOptions).nextItems()).map((sandbox) => sandbox.sandboxId);
}

/** The pool holds what it should, so the next claim is hot. */
async function filled(target: Pilotlight, runtime = 'plain'): Promise<void> {
  await vi.waitFor(
    async () => {
      const pool = (await target.warming.pools()).find((candidate) => candidate.runtime === runtime);
      expect(pool?.hot).toBe(pool?.target);
      expect(pool?.hot).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 10 },
  );
}

describe('an app that asks for a runtime', () => {
  it('sees honest progress the first time: from 0 to 1, never falling, one terminal event', async () => {
    const seen: WarmingProgress[] = [];
    const sandbox = await client().sandbox('plain', { onProgress: (event) => seen.push(event) });
    expect(await sandbox.files.read('/home/user/copy.txt')).toBe('hello');

    const values = seen.map((event) => event.progress);
    expect(values).toEqual(values.toSorted((first, second) => first - second));
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(seen.filter((event) => event.outcome)).toEqual([expect.objectContaining({ outcome: 'hot', progress: 1 })]);
    expect(seen.at(-1)?.outcome).toBe('hot');
  });

  it('gets a HOT sandbox the second time, another one than before', async () => {
    const pilot = client();
    const first = await pilot.sandbox('plain');
    await filled(pilot);
    const answer = await pilot.claim('plain');
    expect(answer.state).toBe('HOT');
    const claim = await answer.ready;
    expect(claim.connection.sandboxId).not.toBe(first.sandboxId);
  });

  it('gets a real Sandbox: instanceof holds and its methods work', async () => {
    const sandbox = await client().sandbox('plain');
    expect(sandbox).toBeInstanceOf(Sandbox);
    expect(await sandbox.isRunning()).toBe(true);
    expect((await sandbox.getInfo()).sandboxId).toBe(sandbox.sandboxId);
    await sandbox.files.write('note.txt', 'x');
    expect(await sandbox.files.exists('note.txt')).toBe(true);
    await sandbox.setTimeout(60_000);
    const again = await Sandbox.connect(sandbox.sandboxId, host.connectionOptions);
    expect((await again.commands.run('cat note.txt')).stdout).toBe('x');
  });

  it('has its env and secrets in every command, with values given to one call winning, and a hot answer all the same', async () => {
    const pilot = client();
    await pilot.start();
    await filled(pilot);
    const answer = await pilot.claim('plain', { env: { STAGE: 'preview' }, secrets: { TOKEN: 's3cret' } });
    expect(answer.state).toBe('HOT');
    const sandbox = WarmSandbox.fromClaim(await answer.ready, host.connectionOptions);
    expect((await sandbox.commands.run('echo $STAGE $TOKEN')).stdout).toBe('preview s3cret\n');
    expect((await sandbox.commands.run('echo $STAGE', { envs: { STAGE: 'live' } })).stdout).toBe('live\n');
  });

  it('finds its files written before the hand-over', async () => {
    const sandbox = await client().sandbox('plain', { files: [{ path: '/home/user/given.txt', content: 'given' }] });
    expect(await sandbox.files.read('/home/user/given.txt')).toBe('given');
  });

  it('has memories of its user at hand, and a memory that fails costs nothing', async () => {
    const memory = { injection: async () => ({ env: { MEM0_CONTEXT: '{"memories":[]}' }, files: [] }) };
    const sandbox = await client({ memory }).sandbox('plain', { userId: 'ada' });
    expect((await sandbox.commands.run('printf %s "$MEM0_CONTEXT"')).stdout).toBe('{"memories":[]}');
    await pilotlight?.close();
    const broken = { injection: () => Promise.reject(new Error('memory is down')) };
    const other = await client({ memory: broken }).sandbox('plain', { userId: 'ada' });
    expect((await other.commands.run('echo ok')).stdout).toBe('ok\n');
  });

  it('is answered HOT though the memory of its user never comes', async () => {
    const memory = { injection: () => new Promise<never>(() => undefined) };
    const pilot = client({ memory });
    await pilot.start();
    await filled(pilot);
    const answer = await pilot.claim('plain', { userId: 'ada' });
    expect(answer.state).toBe('HOT');
    const sandbox = WarmSandbox.fromClaim(await answer.ready, host.connectionOptions);
    expect((await sandbox.commands.run('echo ok')).stdout).toBe('ok\n');
  });

  it('never shares a sandbox between claims made at once', async () => {
    const pilot = client({ runtimes: [{ ...plain, pool: { target: 3 } }] });
    await pilot.start();
    await filled(pilot);
    const sandboxes = await Promise.all(Array.from({ length: 6 }, () => pilot.sandbox('plain')));
    expect(new Set(sandboxes.map((sandbox) => sandbox.sandboxId)).size).toBe(6);
  });

  it('ends the sandbox with kill', async () => {
    const sandbox = await client().sandbox('plain');
    expect(await sandbox.kill()).toBe(true);
    expect(await running()).not.toContain(sandbox.sandboxId);
  });
});

describe('bad input gets one typed error that says what to do next, and leaves no sandbox behind', () => {
  const withStep = (run: string, timeoutMs?: number) =>
    client({
      runtimes: [
        { name: 'broken', steps: [{ name: 'break', run, ...(timeoutMs ? { timeoutMs } : {}) }], pool: { target: 0 } },
      ],
    });

  it('an unknown runtime names the known ones', async () => {
    await expect(client().sandbox('plan')).rejects.toMatchObject({
      code: 'unknown_runtime',
      message: expect.stringContaining('plain'),
    });
  });

  it('an invalid spec names each wrong field with the value given', () => {
    expect(() => client({ runtimes: [{ name: 'No', steps: [{ name: 'a', run: '', timeoutMs: -1 }] }] })).toThrow(
      expect.objectContaining({
        code: 'invalid_spec',
        issues: [
          expect.objectContaining({ path: 'name', value: 'No' }),
          expect.objectContaining({ path: 'steps[0].run', value: '' }),
          expect.objectContaining({ path: 'steps[0].timeoutMs', value: -1 }),
        ],
      }),
    );
    pilotlight = undefined;
  });

  it('a step that fails gives its command, its exit code and the end of its output', async () => {
    await expect(withStep('echo before; echo the reason >&2; exit 7').sandbox('broken')).rejects.toMatchObject({
      code: 'warm_up_failed',
      command: expect.stringContaining('exit 7'),
      exitCode: 7,
      outputTail: expect.stringContaining('the reason'),
    });
  });

  it('a step that hangs gives its timeout', async () => {
    await expect(withStep('sleep 60', 300).sandbox('broken')).rejects.toMatchObject({
      code: 'warm_up_timeout',
      timeoutMs: 300,
    });
  });

  it('a host that is not there', async () => {
    const url = `http://127.0.0.1:${await getPort()}`;
    const gone = { apiUrl: url, sandboxUrl: url };
    await expect(client(gone).sandbox('plain')).rejects.toMatchObject({ code: 'provider_unreachable' });
  });

  it('a wrong key, without repeating it', async () => {
    const error = await client({ apiKey: 'e2b_0bad' })
      .sandbox('plain')
      .catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'provider_unauthorized' });
    expect(String(error)).not.toContain('e2b_0bad');
  });

  it('a claim cancelled half-way', async () => {
    const cancel = new AbortController();
    const claim = withStep('sleep 30').sandbox('broken', {
      signal: cancel.signal,
      onProgress: ({ phase }) => {
        if (phase === 'warming') cancel.abort();
      },
    });
    await expect(claim).rejects.toMatchObject({ code: 'claim_cancelled' });
    await vi.waitFor(async () => expect(await running()).toEqual([]), { timeout: 5_000, interval: 20 });
  });
});
