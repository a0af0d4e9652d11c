import {
  chmodSync,
  copyFileSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sudoProgram, systemFiles } from './skeleton-files.js';

/** First host id of the range that stands for a sandbox's ids 0 to 65535 when the host runs as root. */
export const firstRangeId = 100_000;
const userId = 1000;

/** What of the host's `/etc` every program may need and nobody minds being read. */
const shownInEtc = [
  'alternatives',
  'ca-certificates',
  'ca-certificates.conf',
  'debian_version',
  'fonts',
  'inputrc',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'magic',
  'matplotlibrc',
  'mime.types',
  'os-release',
  'perl',
  'protocols',
  'python3',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
];

export interface Skeleton {
  /** Top-level directories of the system, to be shown read-only. */
  systemDirectories: string[];
  /** From a host path to a sandbox path, to be shown read-only. */
  binds: Record<string, string>;
  /** Directories of the system that are shown empty, because programs keep settings of the host in them. */
  hidden: string[];
  /** Variables every command of every sandbox starts with. */
  environment: Record<string, string>;
}

/** Writes the lowest layer of every sandbox: all that is not `/usr` in the sandbox's view. */
export function writeSkeleton(instanceDirectory: string, ranged: boolean): Skeleton {
  const layer = join(instanceDirectory, 'layers', 'base');
  const root = join(layer, 'root');
  const local = join(layer, 'local');
  for (const path of ['dev', 'etc', 'home/user', 'media', 'mnt', 'opt', 'proc', 'root', 'run', 'srv', 'sys', 'usr']) {
    mkdirSync(join(root, path), { recursive: true });
  }
  for (const path of ['bin', 'etc', 'games', 'include', 'lib', 'sbin', 'share', 'src']) {
    mkdirSync(join(local, path), { recursive: true });
  }
  for (const path of ['tmp', 'var/tmp', 'var/lib', 'var/cache', 'var/log']) {
    mkdirSync(join(root, path), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  chmodSync(join(root, 'var/tmp'), 0o1777);
  chmodSync(join(root, 'root'), 0o700);
  const systemDirectories = linkSystem(root);
  for (const name of shownInEtc) {
    copyReadable(join('/etc', name), join(root, 'etc', name));
  }
  for (const [path, text] of Object.entries(systemFiles)) {
    writeFileSync(join(root, path), text);
  }
  writeFileSync(join(local, 'bin/sudo'), sudoProgram, { mode: 0o755 });
  chmodSync(join(local, 'bin/sudo'), 0o755);
  if (!existsSync('/usr/bin/python') && existsSync('/usr/bin/python3')) {
    symlinkSync('/usr/bin/python3', join(local, 'bin/python'));
  }
  const { binds, path } = showNode(root);
  const hidden = ['/usr/etc', '/usr/local/etc'].filter((path) => existsSync(path));
  const environment = {
    PATH: `${path}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    // A shell without this one looks its user up.
    SHELL: '/bin/bash',
    ...certificates(root),
  };
  if (ranged) {
    own(layer, firstRangeId);
    own(join(root, 'home/user'), firstRangeId + userId);
  }
  return { systemDirectories, binds, hidden, environment };
}

/** `/bin` and its like are links into `/usr` on a merged system and directories of their own elsewhere. */
function linkSystem(root: string): string[] {
  const directories = ['usr'];
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    const path = join('/', name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink()) {
      symlinkSync(readlinkSync(path), join(root, name));
    } else if (stats?.isDirectory()) {
      mkdirSync(join(root, name));
      directories.push(name);
    }
  }
  return directories;
}

/** Only what every user of the host may read is copied; links stay links, and point into what is shown. */
function copyReadable(source: string, target: string): void {
  const stats = lstatSync(source, { throwIfNoEntry: false });
  if (!stats) {
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(source), target);
  } else if (stats.isDirectory()) {
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(source)) {
      copyReadable(join(source, name), join(target, name));
    }
  } else if (stats.isFile() && (stats.mode & 0o004) !== 0) {
    copyFileSync(source, target);
  }
}

/** Node outside of `/usr`, as version managers install it, is shown too, and alone of its surroundings. */
function showNode(root: string): { binds: Record<string, string>; path: string } {
  const executable = realpathSync(process.execPath);
  const prefix = dirname(dirname(executable));
  const isInstallation = existsSync(join(prefix, 'lib', 'node_modules', 'npm'));
  if (executable.startsWith('/usr/')) {
    return { binds: {}, path: '' };
  }
  const target = '/opt/pilotlight/node';
  mkdirSync(join(root, target), { recursive: true });
  if (isInstallation) {
    return { binds: { [prefix]: target }, path: `${target}/bin:` };
  }
  return { binds: { [dirname(executable)]: target }, path: `${target}:` };
}

/** A host that trusts further certificate authorities has sandboxes that do. */
function certificates(root: string): Record<string, string> {
  const bundle = process.env.NODE_EXTRA_CA_CERTS ?? process.env.SSL_CERT_FILE;
  if (!bundle || !existsSync(bundle) || !statSync(bundle).isFile()) {
    return {};
  }
  const target = '/etc/ssl/certs/pilotlight-host.pem';
  mkdirSync(join(root, 'etc/ssl/certs'), { recursive: true });
  copyFileSync(bundle, join(root, target));
  chmodSync(join(root, target), 0o644);
  const names = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'PIP_CERT', 'GIT_SSL_CAINFO'];
  return Object.fromEntries(names.map((name) => [name, target]));
}

function own(path: string, id: number): void {
  lchownSync(path, id, id);
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) {
      own(join(path, name), id);
    }
  }
}
