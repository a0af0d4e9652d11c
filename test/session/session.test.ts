import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { createMemory } from '@pilotlight/memory';
import {
  type AgentSession,
  type FirstToken,
  isSessionError,
  Pilotlight,
  type PilotlightSessionOptions,
  type SessionConfig,
  type SessionEvents,
} from '@pilotlight/sdk';
import { Sandbox } from 'e2b';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

const userId = 'ada';
const serverCode = `require('node:http').createServer((_, answer) => answer.end(process.env.GREETING + ' ' + process.pid)).listen(Number(process.env.PORT))`;
let host: LocalHost;
let pilotlight: Pilotlight;
let session: AgentSession;

beforeAll(async () => {
  host = await startLocalHost();
  pilotlight = new Pilotlight({
    ...host.connectionOptions,
    runtimes: [{ name: 'agent', pool: { target: 1, link: false } }],
  });
});
afterEach(() => session?.close());
afterAll(async () => {
  await pilotlight?.close();
  await host?.close();
});

function start(options: Partial<PilotlightSessionOptions>): AgentSession {
  session = pilotlight.session({ runtime: 'agent', userId, ...options });
  return session;
}

async function* tokens(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

/** Sends a message whose model waits for the sandbox, and gives the breakdown. */
async function send(text = 'hello'): Promise<FirstToken> {
  const reply = session.message(text, {
    model: async ({ sandbox }) => {
      await sandbox;
      return tokens('ok');
    },
  });
  for await (const _token of reply);
  return reply.firstToken;
}

function config(changes: Partial<SessionConfig> = {}): SessionConfig {
  return {
    files: { 'agent/settings.json': '{"model":"a"}', '/home/user/server.cjs': serverCode },
    mcp: { servers: { files: { command: 'files-server' } } },
    commands: [{ name: 'build', run: 'cp agent/settings.json built.json; echo built >> builds.txt' }],
    servers: [
      { name: 'agent-server', command: 'exec node server.cjs', env: { PORT: '7801', GREETING: 'hello' }, port: 7801 },
    ],
    ...changes,
  };
}

const ask = 'node -e "fetch(\'http://127.0.0.1:7801\').then((a) => a.text()).then(console.log)"';

describe('a session', () => {
  it('starts servers when it is made, then does nothing for a message in which nothing changed', async () => {
    start({ config: config() });
    const sandbox = await session.ready();
    const answer = (await sandbox.commands.run(ask)).stdout;
    expect(answer).toMatch(/^hello \d+/);
    const run = vi.spyOn(sandbox.commands, 'run');
    const write = vi.spyOn(sandbox.files, 'write');
    expect((await send()).ran).toEqual([]);
    expect(run).toHaveBeenCalledTimes(1);
    expect(write).not.toHaveBeenCalled();
    run.mockRestore();
    expect((await sandbox.commands.run(ask)).stdout).toBe(answer);
    expect((await sandbox.commands.run('cat .mcp.json')).stdout).toContain('files-server');
  });

  it('runs only the steps that changed, and those that stand on them', async () => {
    let current = config();
    start({ config: () => current });
    const sandbox = await session.ready();
    current = config({ mcp: { servers: {} }, servers: [{ ...config().servers![0]!, after: ['files'] }] });
    session.invalidate();
    expect([...(await send()).ran].sort()).toEqual(['agent-server', 'mcp']);
    current = { ...current, files: { ...current.files, 'agent/settings.json': '{"model":"b"}' } };
    session.invalidate();
    expect([...(await send()).ran].sort()).toEqual(['agent-server', 'build', 'files']);
    expect((await sandbox.commands.run('cat built.json; wc -l < builds.txt')).stdout).toBe('{"model":"b"}2\n');
    current = { ...current, servers: [] };
    session.invalidate();
    expect((await send()).ran).toEqual([]);
    await expect(sandbox.commands.run(ask)).rejects.toThrow();
  });

  it('assembles its config once until it is told, and again after a failure', async () => {
    let assembled = 0;
    start({
      config: () => {
        assembled += 1;
        return { files: { 'a.txt': 'a' } };
      },
    });
    await send();
    await Promise.all([send(), send()]);
    expect(assembled).toBe(1);
    session.invalidate();
    await Promise.all([send(), send()]);
    expect(assembled).toBe(2);
  });

  it('starts a server again that has died, and one whose port went silent', async () => {
    start({ config: config() });
    const sandbox = await session.ready();
    const first = (await sandbox.commands.run(ask)).stdout;
    await sandbox.commands.run('kill -9 $(cut -d" " -f2 ~/.pilotlight/session/marks/agent-server)');
    expect((await send()).ran).toEqual(['agent-server']);
    expect((await sandbox.commands.run(ask)).stdout).not.toBe(first);
  });

  it('outlives its sandbox', async () => {
    start({ config: config() });
    const first = await session.ready();
    const replaced: SessionEvents['sandbox-replaced'][0][] = [];
    session.events.on('sandbox-replaced', (event) => replaced.push(event));
    await Sandbox.kill(first.sandboxId, host.connectionOptions);
    const { ran } = await send();
    expect([...ran].sort()).toEqual(['agent-server', 'build', 'files', 'mcp']);
    expect(replaced).toMatchObject([{ lost: first.sandboxId }]);
  });

  it('does not make the first token wait for the sandbox, nor for the message to be stored', async () => {
    start({ config: config() });
    let stored: () => void = () => {};
    const storing = new Promise<void>((resolve) => {
      stored = resolve;
    });
    const persist = () => storing;
    const reply = session.message('hi', { persist, model: () => tokens('a', 'b') });
    const seen: string[] = [];
    for await (const token of reply) seen.push(token);
    expect(seen).toEqual(['a', 'b']);
    stored();
    await reply.persisted;
    const failing = session.message('hi', {
      persist: () => Promise.reject(new Error('disk full')),
      model: () => tokens('a'),
    });
    const failures: Error[] = [];
    session.events.on('persist-failed', ({ error }) => failures.push(error));
    for await (const _token of failing);
    await failing.persisted;
    expect(failures.map((error) => error.message)).toEqual(['disk full']);
  });

  it('tells the model what it knows of the user, and says where the time went', async () => {
    const memory = createMemory();
    await memory.add('Prefers metric units', { userId });
    start({ memory });
    const events: FirstToken[] = [];
    session.events.on('first-token', (event) => events.push(event));
    const reply = session.message('which units?', {
      connect: async (sandbox) => (await sandbox.commands.run('echo connected')).stdout,
      model: async ({ context, connection }) => tokens(context?.items[0]?.memory ?? '', await connection),
    });
    const seen: string[] = [];
    for await (const token of reply) seen.push(token);
    expect(seen).toEqual(['Prefers metric units', 'connected\n']);
    const [token] = events;
    expect(token).toEqual(await reply.firstToken);
    expect(token!.connectMs).toBeGreaterThan(0);
    expect(token!.totalMs).toBeGreaterThanOrEqual(token!.bootstrapMs + token!.connectMs);
  });
});

describe('credentials of a session', () => {
  const secret = `tok-${'z9'.repeat(12)}`;

  it('are in the environment or in a private file, renewed before they run out, and gone after a scrub', async () => {
    let issued = 0;
    const issue = () => {
      issued += 1;
      return { value: `${secret}${issued}`, expiresAtMs: Date.now() + 90_000 };
    };
    const credentials = [
      { name: 'API_TOKEN', issue: () => ({ value: secret }) },
      { name: 'GIT_TOKEN', issue, file: '.secrets/git' },
    ];
    const server = { name: 'keeper', command: 'test -n "$API_TOKEN" && exec sleep 1000' };
    start({ config: { credentials, servers: [server] } });
    const sandbox = await session.ready();
    expect((await sandbox.commands.run('cat .secrets/git; stat -c " %a" .secrets/git')).stdout).toBe(
      `${secret}1 600\n`,
    );
    expect((await send()).ran).toEqual([]);
    expect(issued).toBe(1);
    await session.scrub();
    expect((await sandbox.commands.run('grep -rl tok- . 2>/dev/null | wc -l')).stdout.trim()).toBe('0');
    expect((await send()).ran).toContain('credential:GIT_TOKEN');
    expect((await sandbox.commands.run('cat .secrets/git')).stdout).toBe(`${secret}2`);
  });

  it('are in no error and no event', async () => {
    const seen: unknown[] = [];
    start({
      config: {
        credentials: [{ name: 'API_TOKEN', issue: () => ({ value: secret }) }],
        commands: [{ name: 'leak', run: 'echo "using $API_TOKEN" >&2; exit 4' }],
      },
    });
    for (const name of ['bootstrap-step', 'background-error', 'first-token'] as const)
      session.events.on(name, (event: unknown) => seen.push(event));
    const failure = await session.ready().catch((error: unknown) => error);
    expect(isSessionError(failure) && [failure.code, failure.step]).toEqual(['step_failed', 'leak']);
    expect(String(failure)).toContain('using [redacted]');
    expect(JSON.stringify(seen) + String(failure)).not.toContain(secret);
  });
});

describe('a config that is wrong', () => {
  it.each([
    ['an unknown field', { colour: 'red' }, 'invalid_config'],
    ['a path that climbs', { files: { '../x': '' } }, 'invalid_config'],
    ['a package that is a command', { packages: { npm: ['x; reboot'] } }, 'invalid_config'],
    ['a step after a missing one', { commands: [{ name: 'a', run: 'true', after: ['b'] }] }, 'invalid_config'],
    [
      'a circle',
      {
        commands: [
          { name: 'a', run: 'true', after: ['b'] },
          { name: 'b', run: 'true', after: ['a'] },
        ],
      },
      'invalid_config',
    ],
    [
      'a server that ends',
      { servers: [{ name: 's', command: 'echo bye; exit 3', port: 7802, readyTimeoutMs: 2_000 }] },
      'server_not_ready',
    ],
    [
      'a server that does not listen',
      { servers: [{ name: 's', command: 'sleep 60', port: 7803, readyTimeoutMs: 300 }] },
      'server_not_ready',
    ],
    [
      'a credential that cannot be issued',
      { credentials: [{ name: 'X', issue: () => Promise.reject(new Error('denied')) }] },
      'credential_failed',
    ],
  ])('is told: %s', async (_name, wrong, code) => {
    start({ config: () => wrong as SessionConfig });
    const failure = await session.ready().catch((error: unknown) => error);
    expect(isSessionError(failure) && failure.code).toBe(code);
    const model = async ({ sandbox }: { sandbox: Promise<Sandbox> }) => tokens((await sandbox).sandboxId);
    await expect(session.message('x', { model })[Symbol.asyncIterator]().next()).rejects.toSatisfy(isSessionError);
  });
});
