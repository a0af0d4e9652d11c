import { readdirSync } from 'node:fs';
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

  beforeAll(async () => {
    const limits = { memoryLimitMegabytes: 128, processLimit: 64, cpuLimit: 0.5 };
    try {
      host = await startLocalHost({ isolation: 'hardened', ...limits });
      sandbox = await new E2B(host.connectionOptions).Sandbox.create({ timeoutMs: 120_000 });
    } catch (error) {
      refusal = error;
    }
  });
  afterAll(() => host?.close());

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

  it.runIf(isRoot)('runs its sandboxes under user ids that nobody on the host has', async () => {
    const command = await sandbox.commands.run('exec sleep 4321', { background: true });
    const { execFileSync } = await import('node:child_process');
    const line = execFileSync('ps', ['-eo', 'uid,args'])
      .toString()
      .split('\n')
      .find((each) => each.includes('sleep 4321'));
    expect(Number(line?.trim().split(' ')[0])).toBeGreaterThanOrEqual(100_000);
    await command.kill();
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
