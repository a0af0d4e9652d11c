import { CommandExitError, InvalidArgumentError, type Sandbox, TimeoutError } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, useHost } from './support.js';

describe('commands', () => {
  const at = useHost();
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await at.e2b.Sandbox.create({ envs: { SHARED: 'sandbox' }, timeoutMs: 600_000 });
  });
  afterAll(() => sandbox.kill());

  it('gives both outputs and the exit code of a failed command', async () => {
    const failure = await sandbox.commands.run('echo out; echo err >&2; exit 3').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandExitError);
    expect(failure).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('runs as the sandbox user in its home, or where and as whom the caller says', async () => {
    expect((await sandbox.commands.run('id -un; pwd; echo $HOME')).stdout).toBe('user\n/home/user\n/home/user\n');
    expect((await sandbox.commands.run('pwd', { cwd: '/tmp' })).stdout).toBe('/tmp\n');
    expect((await sandbox.commands.run('id -un; echo $HOME', { user: 'root' })).stdout).toBe('root\n/root\n');
    await expect(sandbox.commands.run('true', { cwd: '/not/there' })).rejects.toThrow(InvalidArgumentError);
    await expect(sandbox.commands.run('true', { user: 'nobody-known' })).rejects.toThrow(/nobody-known/);
  });

  it("lets a command's own variables win over the sandbox's", async () => {
    const command = 'echo $SHARED $OWN';
    expect((await sandbox.commands.run(command, { envs: { OWN: 'own' } })).stdout).toBe('sandbox own\n');
    expect((await sandbox.commands.run(command, { envs: { SHARED: 'own' } })).stdout).toBe('own\n');
    expect((await sandbox.commands.run(command)).stdout).toBe('sandbox\n');
  });

  it('streams output while the command runs', async () => {
    const seen: string[] = [];
    const command = await sandbox.commands.run('echo first; read line; echo "got $line"', {
      background: true,
      stdin: true,
      onStdout: (text) => void seen.push(text),
    });
    await until('the first line', () => seen.join('') === 'first\n');
    await sandbox.commands.sendStdin(command.pid, 'hello\n');
    expect((await command.wait()).stdout).toBe('first\ngot hello\n');
  });

  it('kills a command at its deadline, on the host too', async () => {
    await expect(sandbox.commands.run('exec sleep 321', { timeoutMs: 300 })).rejects.toThrow(TimeoutError);
    await until('the command is gone', async () => {
      const { stdout } = await sandbox.commands.run('ps -eo args');
      return !stdout.includes('sleep 321');
    });
  });

  it('lists, kills and forgets a background command', async () => {
    const command = await sandbox.commands.run('exec sleep 300', { background: true });
    expect((await sandbox.commands.list()).map((process) => process.pid)).toContain(command.pid);
    expect(await sandbox.commands.kill(command.pid)).toBe(true);
    await expect(command.wait()).rejects.toThrow(CommandExitError);
    expect(await sandbox.commands.kill(command.pid)).toBe(false);
  });

  it('goes on without a listener and can be connected to again', async () => {
    const command = await sandbox.commands.run('read line; echo "got $line"', { background: true, stdin: true });
    await command.disconnect();
    const again = await sandbox.commands.connect(command.pid);
    await sandbox.commands.sendStdin(command.pid, 'late\n');
    expect((await again.wait()).stdout).toBe('got late\n');
  });

  it('holds a command back whose output nobody takes, and loses none of it', async () => {
    let bytes = 0;
    const result = await sandbox.commands.run('head -c 4000000 /dev/zero | tr "\\0" x', {
      onStdout: (text) => {
        bytes += text.length;
      },
    });
    expect(result.exitCode).toBe(0);
    expect(bytes).toBe(4_000_000);
  });

  it('has git, python, node and npm of the machine at hand, and sudo', async () => {
    const { stdout } = await sandbox.commands.run('git --version && node --version && npm --version && sudo id -u');
    expect(stdout).toMatch(/git version[\s\S]*v\d+[\s\S]*\n0\n$/);
  });
});
