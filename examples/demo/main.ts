import { parseArgs } from 'node:util';
import { startLocalHost } from '@pilotlight/local';
import { createMemory } from '@pilotlight/memory';
import { type ConnectionOptions, Pilotlight, type PoolLevels, type Runtime } from '@pilotlight/sdk';
import { Sandbox } from 'e2b';
import { percentile, round, timed } from '../../bench/support/statistics.js';
import { nodeTypescript, nodeTypescriptOffline, projectFolder } from './runtimes.js';
import { progressBar, say, table } from './screen.js';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, claims: { type: 'string', default: '20' } },
});
const claimCount = Math.max(1, Number(values.claims) || 20);
const userId = 'ada';
const source = `export function greet(name: string): string {
  return \`Hello, \${name}!\`;
}
console.log(greet('hot sandbox'));
`;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}

/** What a sandbox costs without Pilotlight: create, then the first command. */
async function rawCreate(connection: ConnectionOptions): Promise<number> {
  const { value: sandbox, durationMs } = await timed(async () => {
    const created = await Sandbox.create('base', { ...connection, timeoutMs: 60_000 });
    await created.commands.run('true');
    return created;
  });
  await sandbox.kill();
  return durationMs;
}

/** The npm registry as a sandbox sees it, which is what the warm-up will depend on. */
async function chooseRuntime(connection: ConnectionOptions): Promise<Runtime> {
  const sandbox = await Sandbox.create('base', { ...connection, timeoutMs: 60_000 });
  try {
    await sandbox.commands.run('npm view typescript@5.9.3 version --fetch-retries=0 --fetch-timeout=8000', {
      timeoutMs: 20_000,
    });
    return nodeTypescript;
  } catch {
    say(
      'No npm registry from inside a sandbox: the compiler of this checkout is sent as files, nothing is installed.\n',
    );
    return nodeTypescriptOffline();
  } finally {
    await sandbox.kill();
  }
}

function percentiles(durationsMs: readonly number[]): { p50: number; p95: number } {
  return { p50: round(percentile(durationsMs, 0.5)), p95: round(percentile(durationsMs, 0.95)) };
}

/** Resolves when the pool holds as many hot sandboxes as it should. */
async function poolFilled(pilotlight: Pilotlight, runtime: string): Promise<void> {
  const holds = (pool: PoolLevels) => pool.runtime === runtime && pool.hot >= pool.target;
  if ((await pilotlight.warming.pools()).some(holds)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (end: () => void) => {
      pilotlight.warming.off('pool-changed', check);
      stop.signal.removeEventListener('abort', abort);
      end();
    };
    const check = (pool: PoolLevels) => holds(pool) && settle(resolve);
    const abort = () => settle(() => reject(stop.signal.reason));
    pilotlight.warming.on('pool-changed', check);
    stop.signal.addEventListener('abort', abort);
  });
}

async function main(): Promise<void> {
  const host = await startLocalHost();
  say(`Local host at ${host.apiUrl}, isolation: ${host.isolation}`);
  try {
    const runtime = await chooseRuntime(host.connectionOptions);
    const memory = createMemory();
    await memory.add('Prefers strict TypeScript and tabs of two spaces', { userId });
    const pilotlight = new Pilotlight({ ...host.connectionOptions, runtimes: [runtime], memory });
    try {
      await show(pilotlight, host.connectionOptions, host.isolation, runtime);
    } finally {
      await pilotlight.close();
      await memory.close();
    }
  } finally {
    await host.close();
  }
}

async function show(
  pilotlight: Pilotlight,
  connection: ConnectionOptions,
  isolation: string,
  runtime: Runtime,
): Promise<void> {
  const request = { signal: stop.signal };

  say(`\n1. The first claim of "${runtime.name}" is cold`);
  const cold = await timed(async () => {
    const sandbox = await pilotlight.sandbox(runtime.name, { ...request, userId, onProgress: progressBar() });
    await sandbox.commands.run('true');
    return sandbox;
  });
  await cold.value.kill();
  say(`  ready, and its first command answered, after ${(cold.durationMs / 1000).toFixed(1)} s`);

  say('\n2. The second one is hot');
  await poolFilled(pilotlight, runtime.name);
  const hot = await timed(async () => {
    const sandbox = await pilotlight.sandbox(runtime.name, { ...request, userId });
    await sandbox.commands.run('true');
    return sandbox;
  });
  say(`  HOT: first command answered after ${hot.durationMs.toFixed(1)} ms`);

  await hot.value.files.write(`${projectFolder}/src/greet.ts`, source);
  const compile = await timed(() =>
    hot.value.commands.run('node_modules/.bin/tsc && node dist/greet.js', { cwd: projectFolder }),
  );
  say(`  src/greet.ts compiled and run in ${compile.durationMs.toFixed(0)} ms: ${compile.value.stdout.trim()}`);
  const memory = await hot.value.commands.run('printf %s "$MEM0_CONTEXT"');
  say(`  memory of "${userId}" at hand inside: ${memory.stdout}`);
  await hot.value.kill();

  say(`\n3. ${claimCount} claims, beside a bare command and a plain e2b create in the same run`);
  const ways = { hot: [] as number[], bare: [] as number[], raw: [] as number[] };
  const connected = await Sandbox.create('base', { ...connection, timeoutMs: 600_000 });
  try {
    for (let round = 0; round < claimCount; round += 1) {
      stop.signal.throwIfAborted();
      await poolFilled(pilotlight, runtime.name);
      ways.bare.push((await timed(() => connected.commands.run('true'))).durationMs);
      const claimed = await timed(async () => {
        const sandbox = await pilotlight.sandbox(runtime.name, request);
        await sandbox.commands.run('true');
        return sandbox;
      });
      ways.hot.push(claimed.durationMs);
      await claimed.value.kill();
      await poolFilled(pilotlight, runtime.name);
      ways.raw.push(await rawCreate(connection));
    }
  } finally {
    await connected.kill();
  }

  const result = {
    coldTtiMs: round(cold.durationMs),
    hotTtiMs: percentiles(ways.hot),
    bareRunMs: percentiles(ways.bare),
    rawCreateTtiMs: percentiles(ways.raw),
    firstCompileMs: round(compile.durationMs),
    isolation,
  };
  table([
    ['Pilotlight, cold', result.coldTtiMs, undefined, 1],
    ['Pilotlight, hot', result.hotTtiMs.p50, result.hotTtiMs.p95, claimCount],
    ['bare command, already connected', result.bareRunMs.p50, result.bareRunMs.p95, claimCount],
    ['plain e2b create, no warm-up', result.rawCreateTtiMs.p50, result.rawCreateTtiMs.p95, claimCount],
  ]);
  say(
    `  hot is ${(result.hotTtiMs.p50 / result.bareRunMs.p50).toFixed(2)} x a bare command and ` +
      `${Math.round(result.coldTtiMs / result.hotTtiMs.p50)} x faster than cold`,
  );
  if (values.json) say(JSON.stringify(result));
}

try {
  await main();
} catch (error) {
  if (!stop.signal.aborted) throw error;
  process.stderr.write('Stopped; nothing is left running.\n');
  process.exitCode = 130;
}
