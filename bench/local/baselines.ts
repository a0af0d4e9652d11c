import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { times } from './times.js';

const execute = promisify(execFile);

/** Milliseconds for `true` in other ways to run a command apart, or why not. */
export type Baseline = { name: string; p50Ms: number } | { name: string; why: string };

export async function measureBaselines(count: number): Promise<Baseline[]> {
  const bind = ['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'];
  const more = [
    '--symlink',
    'usr/lib64',
    '/lib64',
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    '--tmpfs',
    '/tmp',
    '--unshare-all',
  ];
  return [
    await measure('plain spawn', count, () => execute('/bin/true')),
    await measure('plain bash --noprofile -c true', count, () => execute('/bin/bash', ['--noprofile', '-c', 'true'])),
    await measure('bubblewrap', count, () => execute('bwrap', [...bind, ...more, '--', '/bin/true'])),
    await withBundle((bundle) => measure('crun', count, () => crun(bundle))),
    await measure('podman', Math.min(count, 3), podman),
  ];
}

async function measure(name: string, count: number, act: () => Promise<unknown>): Promise<Baseline> {
  try {
    await act();
    return { name, p50Ms: (await times(count, act)).p50 };
  } catch (error) {
    const text = (error as Error).message.split('\n').slice(0, 2).join(' ');
    return { name, why: text.slice(0, 240) };
  }
}

let serial = 0;

function crun(bundle: string): Promise<void> {
  return apart(`crun --cgroup-manager=disabled run --bundle ${bundle} bench-${process.pid}-${serial++}`);
}

/** Both refuse the hybrid control groups of some machines; without that mount they do not see them. */
function apart(command: string): Promise<void> {
  const script = `umount /sys/fs/cgroup/unified 2>/dev/null; exec timeout 20 ${command}`;
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['-m', 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(text || `it ended with ${code}`))));
  });
}

async function withBundle(act: (bundle: string) => Promise<Baseline>): Promise<Baseline> {
  const bundle = mkdtempSync(join(tmpdir(), 'bench-bundle-'));
  try {
    mkdirSync(join(bundle, 'rootfs', 'usr'), { recursive: true });
    mkdirSync(join(bundle, 'rootfs', 'proc'));
    mkdirSync(join(bundle, 'rootfs', 'dev'));
    for (const name of ['bin', 'lib', 'lib64']) {
      execFileSync('ln', ['-s', `usr/${name}`, join(bundle, 'rootfs', name)]);
    }
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(bundleConfig));
    return await act(bundle);
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

const bundleConfig = {
  ociVersion: '1.0.2',
  process: { terminal: false, user: { uid: 0, gid: 0 }, args: ['/bin/true'], env: ['PATH=/usr/bin:/bin'], cwd: '/' },
  root: { path: 'rootfs', readonly: true },
  mounts: [
    { destination: '/usr', type: 'bind', source: '/usr', options: ['rbind', 'ro'] },
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
  ],
  linux: { namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })) },
};

/** Podman with the machine's own system as its root: no image is fetched. Its own limits are above what root may set here. */
function podman(): Promise<void> {
  const limits = '--ulimit nofile=1024:1024 --ulimit nproc=1024:1024';
  return apart(`podman run --rm --network=none --cgroups=disabled ${limits} --rootfs /:O /bin/true`);
}
