import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLocalHostError, type LocalHost, startLocalHost } from '@pilotlight/local';
import { CommandExitError, E2B, type Sandbox } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support.js';

/** Only root can limit what a sandbox uses; elsewhere the level is refused and never claimed. */
const isRoot = process.getuid?.() === 0;

describe('isolation "hardened"', () => {
  let host: LocalHost | undefined;
  let refusal: unknown;
  let sandbox: Sandbox;
  const stateDirectory = mkdtempSync(join(tmpdir(), 'pl-'));

  const stateOf = (each: Sandbox) =>
    join(stateDirectory, readdirSync(stateDirectory)[0] ?? '', 'sandboxes', each.sandboxId);

  beforeAll(async () => {
    const limits = { stateDirectory, memoryLimitMegabytes: 128, processLimit: 64, cpuLimit: 0.5 };
    try {
      host = await startLocalHost({ isolation: 'hardened', ...limits });
      sandbox = await new E2B(host.connectionOptions).Sandbox.create({ timeoutMs: 120_000 });
    } catch (error) {
      refusal = error;
    }
  });
  afterAll(async () => {
    await host?.close();
    rmSync(stateDirectory, { recursive: true });
  });

  const attempt = async (command: string) =>
    sandbox.commands.run(command).catch((error: unknown) => {
      if (error instanceof CommandExitError) {
        return error;
      }
      throw error;
    });

  it('is in force for root, and refused by name for everybody else', () => {
    if (isRoot) {
      expect(host?.isolation).toBe('hardened');
    } else {
      expect(isLocalHostError(refusal) && refusal.code).toBe('isolation_unavailable');
    }
  });

  it.runIf(isRoot)('stops a memory hog and goes on', async () => {
    const hog = await attempt('python3 -c "x = bytearray(400 * 1024 * 1024); print(len(x))"');
    expect(hog.exitCode).not.toBe(0);
    expect(hog.stdout).toBe('');
    expect((await sandbox.commands.run('echo alive')).stdout).toBe('alive\n');
  });

  it.runIf(isRoot)('holds a fork bomb and can be killed while it goes on', async () => {
    const other = await new E2B(host?.connectionOptions).Sandbox.create();
    await other.commands.run('bomb() { bomb | bomb & }; bomb', { background: true });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await sandbox.commands.run('echo alive')).stdout).toBe('alive\n');
    expect(await other.kill()).toBe(true);
  });

  it.runIf(isRoot)('gives a busy sandbox no more processor time than its share', async () => {
    const spin =
      'import time; e = time.time() + 1; c = time.process_time()\nwhile time.time() < e: pass\nprint(time.process_time() - c)';
    const { stdout } = await sandbox.commands.run(`python3 -c '${spin}'`);
    expect(Number(stdout)).toBeLessThan(0.8);
  });

  it.runIf(isRoot)('pauses by a switch that its processes cannot see or undo, and kills a paused one', async () => {
    const other = await new E2B(host?.connectionOptions).Sandbox.create();
    await other.commands.run('while :; do echo x >> ticks; sleep 0.02; done', { background: true });
    await until('it ticks', () => other.files.exists('ticks'));
    await other.pause();
    await other.connect();
    const before = (await other.files.read('ticks')).length;
    await until('it ticks again', async () => (await other.files.read('ticks')).length > before);
    await other.pause();
    expect(await other.kill()).toBe(true);
  });

  it.runIf(isRoot)('refuses the system calls that make new holes', async () => {
    const { stdout } = await sandbox.commands.run(
      'grep Seccomp: /proc/self/status; unshare --mount true || echo no mount; unshare --user --net true || echo no net',
      { user: 'root' },
    );
    expect(stdout).toBe('Seccomp:\t2\nno mount\nno net\n');
  });

  it.runIf(isRoot)('keeps sandboxes apart by user ids too, or says that it does not', async () => {
    const other = await new E2B(host?.connectionOptions).Sandbox.create();
    await other.files.write('secret', 'of the other');
    await other.commands.run('chmod 600 secret');
    await sandbox.commands.run('exec sleep 4321', { background: true });
    await other.commands.run('exec sleep 4322', { background: true });
    const [mine, theirs] = [hostProcess('sleep 4321'), hostProcess('sleep 4322')];
    expect(Math.min(mine.user, theirs.user)).toBeGreaterThanOrEqual(100_000);
    expect(mine.user === theirs.user).toBe(host?.userIds !== 'own');
    // Somebody who came out of every namespace of a sandbox still is who they were: its user, or its root.
    const asUser = (user: number, program: string, ...list: string[]) =>
      spawnSync(program, list, { uid: user, gid: user }).status === 0;
    expect(asUser(mine.user, '/bin/kill', '-0', String(mine.id))).toBe(true);
    if (host?.userIds === 'own') {
      for (const user of [mine.user, mine.user - 1000]) {
        expect(asUser(user, '/bin/kill', '-0', String(theirs.id))).toBe(false);
        expect(asUser(user, '/bin/cat', `/proc/${theirs.id}/environ`)).toBe(false);
        expect(asUser(user, '/bin/cat', `/proc/${theirs.id}/root/home/user/secret`)).toBe(false);
        expect(asUser(user, '/bin/ls', join(stateOf(other), 'g0'))).toBe(false);
      }
    }
    expect(readFileSync(join(stateOf(other), 'g0/root/home/user/secret'), 'utf8')).toBe('of the other');
    expect((await other.commands.run('stat -c "%U %G" secret ~ / /tmp')).stdout).toBe(
      'user user\nuser user\nroot root\nroot root\n',
    );
    await other.kill();
  });

  it.runIf(isRoot)('leaves no control group behind', async () => {
    await host?.close();
    const groups = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].flatMap((path) => {
      try {
        return readdirSync(path);
      } catch {
        return [];
      }
    });
    expect(groups.filter((name) => name.includes(`-${process.pid}-`))).toEqual([]);
  });
});

function hostProcess(command: string): { id: number; user: number } {
  const line = execFileSync('ps', ['-eo', 'pid,uid,args'])
    .toString()
    .split('\n')
    .find((each) => each.endsWith(` ${command}`));
  const [id = 0, user = 0] = (line ?? '').trim().split(/\s+/).map(Number);
  return { id, user };
}
