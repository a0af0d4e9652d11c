import { randomBytes } from 'node:crypto';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { remoteManager } from '@pilotlight/sdk/remote';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema, type WarmerConfig, type WarmerConfigInput } from '../../packages/warmer/src/config/schema.js';
import { startWarmer, type Warmer } from '../../packages/warmer/src/warmer.js';
import { allScopes } from './support/start-service.js';

let host: LocalHost;
beforeAll(async () => {
  host = await startLocalHost();
});
afterAll(() => host.close());

const { token, record } = issueToken({ tenant: 'acme', scopes: allScopes }, randomBytes);

function config(more: WarmerConfigInput = {}): WarmerConfig {
  return configSchema.parse({
    listen: { port: 0 },
    provider: host.connectionOptions,
    store: { kind: 'memory' },
    tokens: [record],
    budget: { createsPerSecond: 50 },
    log: { level: 'silent' },
    drainMs: 0,
    runtimes: [
      { name: 'shell', pool: { target: 1, link: false, generic: false } },
      { name: 'slow', steps: [{ name: 'wait', run: 'sleep 1.5' }], pool: { target: 0, link: false, generic: false } },
    ],
    ...more,
  });
}

class TerminalClient {
  readonly told: { type: string; terminalId?: string; exitCode?: number }[] = [];
  output = '';
  received = 0;
  readonly socket: WebSocket;

  constructor(url: string, sandboxId: string, query = '') {
    this.socket = new WebSocket(
      `${url.replace('http', 'ws')}/v1/sandboxes/${sandboxId}/terminal?columns=80&rows=24${query}`,
      ['pilotlight.v1', `bearer.${token}`],
    );
    this.socket.on('error', () => {});
    this.socket.on('message', (data, isBinary) => {
      if (!isBinary) {
        this.told.push(JSON.parse(data.toString()));
        return;
      }
      this.output += data.toString();
      this.received += (data as Buffer).length;
    });
  }

  type(text: string): void {
    this.socket.send(Buffer.from(text));
  }

  says(text: string): Promise<void> {
    return expect.poll(() => this.output, { timeout: 10_000 }).toContain(text);
  }

  opened(): Promise<void> {
    return expect.poll(() => this.told[0]?.type, { timeout: 10_000 }).toBe('opened');
  }
}

async function hotSandbox(warmer: Warmer): Promise<string> {
  const manager = remoteManager({ url: warmer.url, token });
  const claim = await (await manager.claim('shell')).ready;
  await claim.ack();
  return claim.connection.sandboxId;
}

describe('the terminal of a real sandbox', () => {
  let warmer: Warmer;
  let sandboxId: string;
  beforeAll(async () => {
    warmer = await startWarmer(config());
    sandboxId = await hotSandbox(warmer);
  });
  afterAll(() => warmer.close());

  it('echoes what is typed, follows its size, and tells how it ended', async () => {
    const terminal = new TerminalClient(warmer.url, sandboxId);
    await terminal.opened();
    terminal.type('echo $((20+22))\n');
    await terminal.says('42');
    terminal.socket.send(JSON.stringify({ type: 'resize', columns: 101, rows: 33 }));
    terminal.type('stty size\n');
    await terminal.says('33 101');
    terminal.type('exit 3\n');
    await expect.poll(() => terminal.told.at(-1), { timeout: 10_000 }).toMatchObject({ type: 'ended' });
  });

  it('goes on after a lost connection, with the output of the meantime', async () => {
    const first = new TerminalClient(warmer.url, sandboxId);
    await first.opened();
    first.type('MARK=kept; (sleep 0.4; echo in the $MARK) &\n');
    await first.says('MARK=kept');
    const { terminalId } = first.told[0]!;
    first.socket.terminate();
    await new Promise((resolve) => first.socket.once('close', resolve));
    const second = new TerminalClient(warmer.url, sandboxId, `&terminal=${terminalId}`);
    await second.says('in the kept');
    expect(second.told[0]).toMatchObject({ type: 'opened', resumed: true, terminalId });
    second.type('exit\n');
  });

  it('waits for a viewer who does not take its output, and loses none of it', async () => {
    const terminal = new TerminalClient(warmer.url, sandboxId);
    await terminal.opened();
    terminal.type('stty -echo; seq 1 200000; echo all-of-"it"\n');
    await expect.poll(() => terminal.received, { timeout: 10_000 }).toBeGreaterThan(200_000);
    const stopped = async (): Promise<number> => {
      const before = terminal.received;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return terminal.received - before;
    };
    await expect.poll(stopped, { timeout: 10_000 }).toBe(0);
    expect(terminal.received).toBeLessThan(1_000_000);
    let told = 0;
    const consume = setInterval(() => {
      const bytes = terminal.received - told;
      told = terminal.received;
      if (bytes > 0) terminal.socket.send(JSON.stringify({ type: 'consumed', bytes }));
    }, 5);
    await terminal.says('all-of-it');
    clearInterval(consume);
    expect(terminal.output).toContain('199999\r\n200000\r\nall-of-it');
    terminal.socket.terminate();
  });
});

describe('a service that stops in the middle of a warm-up', () => {
  it('is waited for: the client goes on with the same claim, and progress never falls', async () => {
    const first = await startWarmer(config());
    const { port } = new URL(first.url);
    const manager = remoteManager({ url: first.url, token });
    const answer = await manager.claim('slow');
    expect(answer.state).toBe('WARMING');
    if (answer.state !== 'WARMING') return;
    await expect.poll(() => answer.phase, { timeout: 10_000 }).toBe('warming');
    await first.close();
    const second = await startWarmer(config({ listen: { port: Number(port) } }));
    const values: number[] = [];
    for await (const event of answer) values.push(event.progress);
    const claim = await answer.ready;
    expect(values).toEqual([...values].sort((one, other) => one - other));
    expect(claim.connection.sandboxId).toBeTruthy();
    await manager.close();
    await second.close();
  });
});

describe('pools of the operator', () => {
  it('can be paused, drained and set anew while they run', async () => {
    const operator = issueToken({ tenant: 'house', scopes: ['operator'] }, randomBytes);
    const warmer = await startWarmer(config({ tokens: [record, operator.record] }));
    const { client } = remoteManager({ url: warmer.url, token: operator.token });
    const pool = async () => {
      const { pools } = (await client.json('get', 'v1/pools')) as {
        pools: { runtime: string; hot: number; state: string }[];
      };
      return pools.find(({ runtime }) => runtime === 'shell');
    };
    await warmer.warmed;
    await client.json('patch', 'v1/pools/shell', { target: 3 });
    await expect.poll(pool, { timeout: 10_000 }).toMatchObject({ hot: 3 });
    await client.json('patch', 'v1/pools/shell', { state: 'paused' });
    await hotSandbox(warmer);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await pool()).toMatchObject({ hot: 2, state: 'paused' });
    await client.json('patch', 'v1/pools/shell', { state: 'draining' });
    await expect.poll(pool, { timeout: 10_000 }).toMatchObject({ hot: 0 });
    await client.json('patch', 'v1/pools/shell', { state: 'running', target: 1 });
    await expect.poll(pool, { timeout: 10_000 }).toMatchObject({ hot: 1 });
    await warmer.close();
  });
});
