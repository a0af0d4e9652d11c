import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineRuntime, type RuntimeSpec } from '../runtime.js';
import { type WarmUpNode, warmUpNodes } from './nodes.js';
import { commandScript, exitCodes, filesMark, probeScript, serverScript, verifyScript } from './scripts.js';

let home: string;
const servers: number[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotlight-warm-up-'));
});
afterEach(async () => {
  for (const pid of servers.splice(0)) process.kill(pid, 'SIGKILL');
  await rm(home, { recursive: true });
});

/** As a sandbox runs it: a login shell in the home directory. */
function bash(script: string) {
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-l', '-c', script], {
    cwd: home,
    env: { HOME: home, PATH: process.env.PATH },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function nodesOf(spec: Partial<RuntimeSpec>): readonly WarmUpNode[] {
  return warmUpNodes(defineRuntime({ name: 'tool', ...spec }));
}

/** Warms the home directory up as the executor does, in order. */
async function run(nodes: readonly WarmUpNode[]): Promise<void> {
  for (const node of nodes) {
    if (node.kind === 'files') {
      const mark = filesMark(node);
      for (const [path, content] of [...Object.entries(node.files), [mark.path, mark.content] as const]) {
        await mkdir(dirname(join(home, path)), { recursive: true });
        await writeFile(join(home, path), content);
      }
    } else if (node.kind === 'server') {
      const child = spawn('/bin/bash', ['-l', '-c', serverScript(node)], {
        cwd: home,
        env: { HOME: home, PATH: process.env.PATH },
      });
      servers.push(child.pid ?? 0);
      while (!existsSync(join(home, '.pilotlight/servers'))) await new Promise((resolve) => setImmediate(resolve));
    } else expect(bash(commandScript(node)).status).toBe(0);
  }
}

const spec: Partial<RuntimeSpec> = {
  files: { "it's a file.txt": 'content' },
  steps: [
    { name: 'one', run: `echo "first" > one.txt` },
    { name: 'two', run: 'cat one.txt > two.txt; exit 0', cwd: '~/' },
  ],
  ready: { file: 'two.txt' },
};

describe('the scripts of a warm-up, in a real shell', () => {
  it('a sandbox that has everything is verified in one command', async () => {
    const nodes = nodesOf(spec);
    await run(nodes);
    expect(bash(verifyScript(nodes, { file: 'two.txt' }))).toMatchObject({ status: 0, stdout: '' });
    expect(await readFile(join(home, 'two.txt'), 'utf8')).toBe('first\n');
  });

  it('what a changed spec lacks is named: the changed step and all that come after it', async () => {
    await run(nodesOf(spec));
    const changed = nodesOf({
      ...spec,
      steps: [
        { name: 'one', run: 'echo other > one.txt' },
        { name: 'two', run: 'cat one.txt > two.txt; exit 0', cwd: '~/' },
      ],
    });
    expect(bash(verifyScript(changed, undefined))).toMatchObject({
      status: exitCodes.incomplete,
      stdout: 'step:one step:two\n',
    });
    const added = nodesOf({ ...spec, steps: [...(spec.steps ?? []), { name: 'three', run: 'true' }] });
    expect(bash(verifyScript(added, undefined)).stdout).toBe('step:three\n');
  });

  it('an empty sandbox lacks everything', () => {
    expect(bash(verifyScript(nodesOf(spec), undefined))).toMatchObject({
      status: exitCodes.incomplete,
      stdout: 'files step:one step:two\n',
    });
  });

  it('a step that fails, exits or is no shell at all is not remembered', async () => {
    for (const command of ['false', 'exit 3', 'if then (']) {
      const nodes = nodesOf({ steps: [{ name: 'broken', run: command }] });
      const [node] = nodes;
      if (node?.kind !== 'command') throw new Error('a command');
      expect(bash(commandScript(node)).status).not.toBe(0);
      expect(bash(verifyScript(nodes, undefined)).stdout).toBe('step:broken\n');
    }
  });

  it('a server is known by its process: while it lives it is there, then it is lacking', async () => {
    const nodes = nodesOf({ steps: [{ name: 'serve', run: 'exec sleep 60', background: true }] });
    await run(nodes);
    expect(bash(verifyScript(nodes, undefined)).status).toBe(0);
    const pid = servers.pop() ?? 0;
    process.kill(pid, 'SIGKILL');
    while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve));
    expect(bash(verifyScript(nodes, undefined)).stdout).toBe('step:serve\n');
  });

  it('the probe holds as soon as what it waits for is there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    // The server answers from this process, so that the shell must not block it.
    const code = await new Promise((resolve) =>
      spawn('/bin/bash', ['-c', probeScript({ port, timeoutMs: 5_000 })]).once('exit', resolve),
    );
    expect(code).toBe(0);
    server.close();
    expect(bash(probeScript({ command: 'test -d "$HOME"', timeoutMs: 1_000 })).status).toBe(0);
    expect(bash(probeScript(undefined)).status).toBe(0);
  });

  it('a probe that never holds ends at its timeout, with the end of its output', () => {
    const beganMs = performance.now();
    const result = bash(probeScript({ command: 'echo not yet; false', timeoutMs: 200 }));
    expect(result).toMatchObject({ status: exitCodes.notReady, stdout: 'not yet' });
    expect(performance.now() - beganMs).toBeGreaterThan(190);
  });
});
