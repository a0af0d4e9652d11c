import { createHash, randomUUID } from 'node:crypto';
import { NotFoundError, type Sandbox } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, useHost } from './support.js';

describe('terminals, watching, metadata and links', () => {
  const at = useHost();
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await at.e2b.Sandbox.create({ timeoutMs: 600_000 });
  });
  afterAll(() => sandbox.kill());

  it('gives a terminal that echoes, has a size, can be resized and ends', async () => {
    let screen = '';
    const decoder = new TextDecoder();
    const terminal = await sandbox.pty.create({
      cols: 91,
      rows: 31,
      onData: (bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    });
    const type = (text: string) => sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode(text));
    await type('stty size; tty\n');
    await until('the size is printed', () => /31 91\r\n\/dev\/pts\/\d/.test(screen));
    await sandbox.pty.resize(terminal.pid, { cols: 120, rows: 40 });
    await type('stty size\n');
    await until('the new size is printed', () => screen.includes('40 120'));
    await type('exit\n');
    expect((await terminal.wait()).exitCode).toBe(0);
  });

  it('tells of files that come, change, move and go, in new directories too', async () => {
    const seen: string[] = [];
    await sandbox.files.makeDir('watched');
    const watcher = await sandbox.files.watchDir('watched', (event) => void seen.push(`${event.type} ${event.name}`), {
      recursive: true,
    });
    await sandbox.files.write('watched/a', '1');
    await sandbox.files.makeDir('watched/new');
    await until('the directory is seen', () => seen.includes('create new'));
    await sandbox.files.write('watched/new/b', '2');
    await sandbox.files.rename('watched/a', 'watched/c');
    await sandbox.files.remove('watched/c');
    const wanted = ['create a', 'write a', 'create new/b', 'write new/b', 'rename a', 'create c', 'remove c'];
    await until('all is told', () => wanted.every((each) => seen.includes(each)));
    await watcher.stop();
    await expect(sandbox.files.watchDir('not-there', () => {})).rejects.toThrow(NotFoundError);
  });

  it('keeps metadata with a file, over a move, and replaces the whole set', async () => {
    await sandbox.files.write('tagged', 'x', { metadata: { a: '1', b: '2' } });
    expect((await sandbox.files.rename('tagged', 'moved')).metadata).toEqual({ a: '1', b: '2' });
    expect((await sandbox.files.write('moved', 'y', { metadata: { c: '3' } })).metadata).toEqual({ c: '3' });
    expect((await sandbox.files.getInfo('moved')).metadata).toEqual({ c: '3' });
  });

  it('serves signed links without any header, and tells missing, forged and expired ones apart', async () => {
    await sandbox.files.write('linked', 'by link');
    const link = await sandbox.downloadUrl('linked', { useSignatureExpiration: 60_000 });
    const get = async (url: string) => {
      const answer = await fetch(url);
      return [answer.status, await answer.text()] as const;
    };
    expect(await get(link)).toEqual([200, 'by link']);
    const bare = new URL(link);
    bare.searchParams.delete('signature');
    const forged = new URL(link);
    forged.searchParams.set('signature', `v1_${createHash('sha256').update('x').digest('base64')}`);
    const expired = await sandbox.downloadUrl('linked', { useSignatureExpiration: -60_000 });
    const messages = await Promise.all([bare.href, forged.href, expired].map(get));
    expect(messages.map(([status]) => status)).toEqual([401, 401, 401]);
    expect(messages.map(([, body]) => (JSON.parse(body) as { message: string }).message)).toEqual([
      expect.stringMatching(/missing/),
      expect.stringMatching(/invalid/),
      expect.stringMatching(/expired/),
    ]);
    const form = new FormData();
    form.append('file', new Blob(['one']), 'ignored');
    const upload = await fetch(await sandbox.uploadUrl('uploaded'), { method: 'POST', body: form });
    expect(upload.status).toBe(200);
    expect(await sandbox.files.read('uploaded')).toBe('one');
  });

  it('takes packed uploads, gives packed downloads and parts of files', async () => {
    await sandbox.files.write('packed', 'text '.repeat(1000), { gzip: true });
    expect(await sandbox.files.read('packed', { gzip: true })).toBe('text '.repeat(1000));
    const part = await fetch(await sandbox.downloadUrl('packed'), { headers: { Range: 'bytes=5-8' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 5-8/5000',
      'text',
    ]);
  });

  it('measures a sandbox, within the range asked for', async () => {
    const [point] = await sandbox.getMetrics();
    expect(point?.memUsed).toBeGreaterThan(0);
    const past = { start: new Date(Date.now() - 7_200_000), end: new Date(Date.now() - 3_600_000) };
    expect(await sandbox.getMetrics(past)).toEqual([]);
  });

  it('reaches servers inside by host name, in HTTP and WebSocket, and says when a port is closed', async () => {
    const program = `
      const { createServer } = require('http');
      const { createHash } = require('crypto');
      const server = createServer((q, s) => s.end(q.method + ' ' + q.url));
      server.on('upgrade', (q, socket) => {
        const key = q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
        const accept = createHash('sha1').update(key).digest('base64');
        socket.write('HTTP/1.1 101 Switching\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
        socket.write(Buffer.from([0x81, 2, 0x68, 0x69]));
      });
      server.listen(8123);`;
    await sandbox.files.write('server.js', program);
    await sandbox.commands.run('exec node server.js', { background: true, timeoutMs: 0 });
    const { request } = await import('node:http');
    const port = Number(new URL(at.host.sandboxUrl).port);
    const ask = (targetPort: number, headers: Record<string, string> = {}) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const host = `${targetPort}-${sandbox.sandboxId}.example.test`;
        const call = request({ host: '127.0.0.1', port, path: '/x?y=1', headers: { Host: host, ...headers } });
        call.on('response', (answer) => {
          let text = '';
          answer.on('data', (chunk) => {
            text += chunk;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        });
        call.on('upgrade', (answer, socket, head) => {
          const finish = (bytes: Buffer) => {
            socket.destroy();
            resolve({ status: answer.statusCode ?? 0, text: bytes.subarray(2).toString() });
          };
          head.length > 0 ? finish(head) : socket.once('data', finish);
        });
        call.on('error', reject);
        call.end();
      });
    await until('the server answers', async () => (await ask(8123)).status === 200);
    expect((await ask(8123)).text).toBe('GET /x?y=1');
    const key = Buffer.from(randomUUID().slice(0, 16)).toString('base64');
    const upgrade = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': key,
      'Sec-WebSocket-Version': '13',
    };
    expect(await ask(8123, upgrade)).toEqual({ status: 101, text: 'hi' });
    const closed = await ask(8124);
    expect(closed.status).toBe(502);
    expect(JSON.parse(closed.text)).toMatchObject({ sandboxId: sandbox.sandboxId, port: 8124, code: 502 });
  });
});

describe('forks, snapshots and pauses', () => {
  const at = useHost();

  it('forks a running sandbox, each child with its own files', async () => {
    const source = await at.e2b.Sandbox.create({ metadata: { family: 'one' } });
    await source.files.write('shared', 'source');
    const forks = await source.fork({ count: 3, timeoutMs: 60_000 });
    const children = forks.filter((fork): fork is Sandbox => 'commands' in fork);
    expect(children).toHaveLength(3);
    expect(new Set([source, ...children].map((each) => each.sandboxId)).size).toBe(4);
    await children[0]?.files.write('shared', 'child');
    expect(await children[1]?.files.read('shared')).toBe('source');
    expect(await source.files.read('shared')).toBe('source');
    expect((await children[2]?.getInfo())?.metadata).toEqual({ family: 'one' });
    await Promise.all([source, ...children].map((each) => each.kill()));
  });

  it('takes a snapshot of a busy sandbox without ending what it does', async () => {
    const source = await at.e2b.Sandbox.create();
    const busy = await source.commands.run('while :; do echo x >> ticks; sleep 0.02; done', { background: true });
    await until('it ticks', () => source.files.exists('ticks'));
    const { snapshotId } = await source.createSnapshot();
    const before = (await source.files.read('ticks')).length;
    await until('it goes on', async () => (await source.files.read('ticks')).length > before);
    const copy = await at.e2b.Sandbox.create(snapshotId);
    expect(await copy.files.exists('ticks')).toBe(true);
    await busy.kill();
    await Promise.all([source.kill(), copy.kill()]);
  });

  it('remembers what was deleted, over more snapshots than a stack may be deep', async () => {
    const source = await at.e2b.Sandbox.create({ timeoutMs: 600_000 });
    await source.files.write('tree/kept', 'kept');
    await source.files.write('tree/gone', 'gone');
    await source.files.write('replaced/old', 'old');
    await source.createSnapshot();
    await source.commands.run('rm tree/gone; rm -r replaced; mkdir replaced; touch replaced/new');
    let snapshotId = '';
    for (let index = 0; index < 60; index += 1) {
      await source.files.write(`step/${index}`, String(index));
      ({ snapshotId } = await source.createSnapshot());
    }
    const copy = await at.e2b.Sandbox.create(snapshotId);
    expect((await copy.commands.run('ls tree replaced; ls step | wc -l')).stdout).toBe(
      'replaced:\nnew\n\ntree:\nkept\n60\n',
    );
    await Promise.all([source.kill(), copy.kill()]);
  });

  it('starts anew from files alone, with another boot id and the same token', async () => {
    const sandbox = await at.e2b.Sandbox.create();
    const boot = async () => (await sandbox.commands.run('cat /proc/sys/kernel/random/boot_id')).stdout;
    const first = await boot();
    await sandbox.files.write('kept', 'yes');
    await sandbox.pause({ keepMemory: false });
    await sandbox.connect();
    expect(await sandbox.files.read('kept')).toBe('yes');
    expect(await boot()).not.toBe(first);
    await sandbox.kill();
  });

  it('pauses by itself when its time is over and wakes at the next request', async () => {
    const sandbox = await at.e2b.Sandbox.create({
      timeoutMs: 1_000,
      lifecycle: { onTimeout: 'pause', autoResume: true },
    });
    await until('it pauses', async () => (await sandbox.getInfo()).state === 'paused');
    expect((await sandbox.commands.run('echo awake')).stdout).toBe('awake\n');
    expect((await sandbox.getInfo()).state).toBe('running');
    await sandbox.kill();
  });

  it('names, finds and deletes snapshots', async () => {
    const sandbox = await at.e2b.Sandbox.create();
    const { snapshotId } = await sandbox.createSnapshot({ name: 'named' });
    const found = await at.e2b.Sandbox.listSnapshots({ name: 'named' }).nextItems();
    expect(found.map((each) => each.snapshotId)).toEqual([snapshotId]);
    expect(await at.e2b.Sandbox.deleteSnapshot(snapshotId)).toBe(true);
    expect(await at.e2b.Sandbox.listSnapshots({ name: 'named' }).nextItems()).toEqual([]);
    await sandbox.kill();
  });
});
