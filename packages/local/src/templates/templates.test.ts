import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError, type LogEntry, Sandbox, Template, waitForFile, waitForPort } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalHost, startLocalHost } from '../host.js';

describe('templates, built by the unmodified SDK', () => {
  let host: LocalHost;
  let context: string;

  beforeAll(async () => {
    host = await startLocalHost({ images: { 'debian:12': 'base' } });
    context = mkdtempSync(join(tmpdir(), 'pilotlight-template-'));
    mkdirSync(join(context, 'folder/inner'), { recursive: true });
    writeFileSync(join(context, 'folder/inner/deep.txt'), 'deep');
    writeFileSync(join(context, 'folder/top.txt'), 'top');
    writeFileSync(join(context, 'single.txt'), 'single');
  });

  afterAll(async () => {
    rmSync(context, { recursive: true, force: true });
    await host.close();
  });

  const from = () => Template({ fileContextPath: context }).fromTemplate('base');
  const build = async (template: Parameters<typeof Template.build>[0], name: string, more = {}) => {
    const logs: LogEntry[] = [];
    const options = { ...host.connectionOptions, onBuildLogs: (entry: LogEntry) => void logs.push(entry), ...more };
    const info = await Template.build(template, name, options);
    return { info, text: logs.map((entry) => entry.message).join('\n') };
  };
  const sandboxOf = (name: string) => Sandbox.create(name, host.connectionOptions);

  it('run, copy, env, workdir and user take effect, and a second build takes its layers from the first', async () => {
    const template = from()
      .setEnvs({ GREETING: 'hello' })
      .copy('folder', '/opt/folder')
      .copy('single.txt', '/opt/renamed.txt')
      .copy('*.txt', '/opt/many')
      .setWorkdir('/home/user/work')
      .runCmd('echo "$GREETING $(whoami) $PWD" > made.txt')
      .runCmd('touch /usr/local/bin/tool', { user: 'root' })
      .makeSymlink('/opt/renamed.txt', 'link.txt');
    const first = await build(template, 'everything');
    expect(first.text).not.toContain('CACHED');
    const sandbox = await sandboxOf('everything');
    expect(await sandbox.files.read('/home/user/work/made.txt')).toBe('hello user /home/user/work\n');
    expect(await sandbox.files.read('/opt/folder/inner/deep.txt')).toBe('deep');
    expect(await sandbox.files.read('/opt/renamed.txt')).toBe('single');
    expect(await sandbox.files.read('/opt/many/single.txt')).toBe('single');
    expect(await sandbox.files.read('/home/user/work/link.txt')).toBe('single');
    expect(await sandbox.files.exists('/usr/local/bin/tool')).toBe(true);
    expect((await sandbox.commands.run('echo $GREETING')).stdout).toBe('hello\n');
    const second = await build(template.runCmd('echo more > /home/user/more.txt'), 'everything-more');
    expect(second.text.match(/CACHED/g)).toHaveLength(7);
    expect(await (await sandboxOf('everything-more')).files.read('/home/user/more.txt')).toBe('more\n');
  });

  it('commands and files are those of its user and directory, unless they name others', async () => {
    await build(from().setUser('root').setWorkdir('/opt'), 'rooted');
    const sandbox = await sandboxOf('rooted');
    expect((await sandbox.commands.run('whoami; pwd')).stdout).toBe('root\n/opt\n');
    expect((await sandbox.commands.run('whoami; pwd', { user: 'user', cwd: '/tmp' })).stdout).toBe('user\n/tmp\n');
    await sandbox.files.write('mine.txt', 'x');
    expect(await sandbox.files.getInfo('/root/mine.txt')).toMatchObject({ owner: 'root' });
  });

  it('a template builds on another one', async () => {
    await build(from().runCmd('echo 1 > ~/one'), 'lower');
    await build(Template().fromTemplate('lower').runCmd('cat ~/one > ~/two'), 'upper');
    expect(await (await sandboxOf('upper')).files.read('two')).toBe('1\n');
  });

  it('sandboxes come with the started program ready, also those made from a snapshot', async () => {
    const template = from()
      .copy('single.txt', 'single.txt')
      .setStartCmd('python3 -m http.server 8000 --bind 127.0.0.1', waitForPort(8000));
    await build(template, 'served');
    const sandbox = await sandboxOf('served');
    const fetched =
      'python3 -c "import urllib.request as u; print(u.urlopen(\'http://127.0.0.1:8000/single.txt\').read())"';
    expect((await sandbox.commands.run(fetched)).stdout).toBe("b'single'\n");
    const { snapshotId } = await sandbox.createSnapshot();
    expect((await (await sandboxOf(snapshotId)).commands.run(fetched)).stdout).toBe("b'single'\n");
  });

  it('a step that fails names itself and tells what it said', async () => {
    const failing = build(from().runCmd('echo fine').runCmd('echo because >&2; exit 3'), 'failing');
    await expect(failing).rejects.toThrow("failed to run command 'echo because >&2; exit 3': exit status 3");
    await expect(failing).rejects.toBeInstanceOf(BuildError);
    await expect(build(from().setStartCmd('exit 4', waitForFile('/never')), 'never')).rejects.toThrow('exit code 4');
  });

  it('images are refused by name, unless a template was named for them', async () => {
    await expect(build(Template().fromImage('ubuntu:22.04').runCmd('true'), 'image')).rejects.toThrow('ubuntu:22.04');
    await build(Template().fromImage('debian:12').runCmd('echo stood-in > ~/in'), 'stood-in');
    expect(await (await sandboxOf('stood-in')).files.read('in')).toBe('stood-in\n');
    await expect(build(Template().fromTemplate('none').runCmd('true'), 'absent')).rejects.toThrow('"none"');
  });

  it('names exist and tags move', async () => {
    const { info } = await build(from().runCmd('echo v1 > ~/version'), 'tagged', { tags: ['v1', 'stable'] });
    expect(info.tags).toEqual(['v1', 'stable']);
    expect(await Template.exists('tagged', host.connectionOptions)).toBe(true);
    expect(await Template.exists('no-such', host.connectionOptions)).toBe(false);
    expect(await Template.exists('base', host.connectionOptions)).toBe(true);
    await build(from().runCmd('echo v2 > ~/version'), 'tagged', { tags: ['v2'] });
    const version = async (name: string) => (await sandboxOf(name)).files.read('version');
    expect(await version('tagged:stable')).toBe('v1\n');
    await Template.assignTags('tagged:v2', ['stable'], host.connectionOptions);
    expect(await version('tagged:stable')).toBe('v2\n');
    expect(await version('tagged:v1')).toBe('v1\n');
    await Template.removeTags('tagged', 'v1', host.connectionOptions);
    const tags = await Template.getTags(info.templateId, host.connectionOptions);
    expect(tags.map(({ tag }) => tag).sort()).toEqual(['stable', 'v2']);
    await expect(sandboxOf('tagged:v1')).rejects.toThrow();
  });

  it('a directory declares templates', async () => {
    const declared = mkdtempSync(join(tmpdir(), 'pilotlight-declared-'));
    const declare = (name: string, value: unknown) => {
      mkdirSync(join(declared, name));
      writeFileSync(join(declared, name, 'template.json'), JSON.stringify(value));
      writeFileSync(join(declared, name, 'file.txt'), name);
    };
    declare('a', { steps: [{ env: { A: '1' } }, { copy: 'file.txt', to: 'a.txt' }, { run: 'cat a.txt > b.txt' }] });
    declare('b', { from: 'a', steps: [{ run: 'echo $A >> b.txt' }] });
    const other = await startLocalHost({ templatesDirectory: declared });
    try {
      const sandbox = await Sandbox.create('b', other.connectionOptions);
      expect(await sandbox.files.read('b.txt')).toBe('a1\n');
      declare('c', { from: 'nothing' });
      await expect(startLocalHost({ templatesDirectory: declared })).rejects.toMatchObject({ code: 'invalid_option' });
    } finally {
      await other.close();
      rmSync(declared, { recursive: true, force: true });
    }
  });

  it('an upload needs a link that was given out', async () => {
    const answer = await fetch(`${host.apiUrl}/_pilotlight/uploads/guess`, { method: 'PUT', body: 'x' });
    expect(answer.status).toBe(404);
  });
});
