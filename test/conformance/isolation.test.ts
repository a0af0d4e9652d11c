import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandExitError, type Sandbox } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useHost } from './support.js';

/** Each attack of the package README's table that a level says it stops. */
describe('isolation "namespaces"', () => {
  const at = useHost({ isolation: 'namespaces' });
  const outside = mkdtempSync(join(tmpdir(), 'pl-outside-'));
  let sandbox: Sandbox;
  let other: Sandbox;

  beforeAll(async () => {
    writeFileSync(join(outside, 'secret'), 'of the host');
    [sandbox, other] = await Promise.all([at.e2b.Sandbox.create(), at.e2b.Sandbox.create()]);
  });
  afterAll(async () => {
    await Promise.all([sandbox.kill(), other.kill()]);
    rmSync(outside, { recursive: true });
  });

  const output = async (command: string, user = 'user') => {
    const result = await sandbox.commands.run(command, { user }).catch((error: unknown) => {
      if (error instanceof CommandExitError) {
        return error;
      }
      throw error;
    });
    return result.stdout + result.stderr;
  };

  for (const user of ['user', 'root']) {
    it(`shows ${user} no file of the host's users`, async () => {
      expect(
        await output(`cat ${outside}/secret /etc/shadow ${homedir()}/.ssh/* ${homedir()}/.npmrc`, user),
      ).not.toContain('of the host');
      expect(await output('ls /home', user)).toBe('user\n');
    });

    it(`lets ${user} change nothing of the system`, async () => {
      expect(await output('touch /usr/bin/intruder || rm -f /usr/bin/env; echo end', user)).toContain(
        'Read-only file system',
      );
    });

    it(`shows ${user} no process of the host or of another sandbox`, async () => {
      const marker = '98765';
      const beside = await other.commands.run(`exec sleep ${marker}`, { background: true });
      expect(await output('ps -eo args', user)).not.toContain(marker);
      await beside.kill();
    });

    it(`gives ${user} no way to the host's ports`, async () => {
      const server = createServer((socket) => socket.end('host')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const script = `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`;
      expect(await output(`bash -c '${script}'`, user)).toContain('Connection refused');
      expect(await output(`curl -s --noproxy "" -x http://127.0.0.1:49981 http://127.0.0.1:${port}/`, user)).toContain(
        'may not connect',
      );
      server.close();
    });
  }

  it('keeps two sandboxes apart in files and ports', async () => {
    await other.files.write('/home/user/mine', 'other');
    expect(await sandbox.files.exists('/home/user/mine')).toBe(false);
    const serve = `exec node -e "require('http').createServer((q,s)=>s.end(process.env.NAME)).listen(3000)"`;
    const servers = await Promise.all(
      [sandbox, other].map((each, index) =>
        each.commands.run(serve, { background: true, envs: { NAME: `server-${index}` } }),
      ),
    );
    const answer = async (each: Sandbox) => {
      for (let attempt = 0; attempt < 100; attempt += 1) {
        const response = await fetch(at.host.sandboxUrl, {
          headers: { 'E2b-Sandbox-Id': each.sandboxId, 'E2b-Sandbox-Port': '3000' },
        });
        if (response.status === 200) {
          return response.text();
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return 'nothing';
    };
    expect(await answer(sandbox)).toBe('server-0');
    expect(await answer(other)).toBe('server-1');
    await Promise.all(servers.map((server) => server.kill()));
  });

  it('refuses new mounts and network namespaces, as root too', async () => {
    expect(
      await output('unshare --mount true || echo refused; unshare --user --net true || echo refused', 'root'),
    ).toMatch(/refused[\s\S]*refused/);
  });

  it('gives nothing by set-uid programs', async () => {
    expect(await output('grep NoNewPrivs /proc/self/status')).toContain('1');
  });

  it('resolves a link out of the home inside the sandbox, never on the host', async () => {
    await sandbox.commands.run(`ln -s ${outside} way-out; ln -s / top`);
    await expect(sandbox.files.read('way-out/secret')).rejects.toThrow();
    await expect(sandbox.files.read(`top${outside}/secret`)).rejects.toThrow();
    await expect(sandbox.files.read(`../../../../../..${outside}/secret`)).rejects.toThrow();
  });

  it("refuses another sandbox's token, and none", async () => {
    const token = String(Reflect.get(other, 'envdAccessToken'));
    for (const headers of [{ 'X-Access-Token': token }, {}]) {
      const response = await fetch(`${at.host.sandboxUrl}/filesystem.Filesystem/ListDir`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json', 'E2b-Sandbox-Id': sandbox.sandboxId } as Record<
          string,
          string
        >,
        body: JSON.stringify({ path: '/', depth: 1 }),
      });
      expect([response.status, ((await response.json()) as { code: number }).code]).toEqual([401, 401]);
    }
  });
});
