import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findPerl, spawnerProgram } from '../isolation/probe.js';

const execute = promisify(execFile);
const script = 'require "$ARGV[0]/$_.pl" for qw(system seccomp); print unpack("H*", Seccomp::program())';

/**
 * The system call filter that commands of a sandbox start with, in base64; empty where there is none. A kernel that
 * enters a sandbox from outside has to take it too.
 */
export async function filterOfCommands(): Promise<string> {
  const assets = dirname(spawnerProgram());
  const perl = findPerl();
  if (perl === undefined || !existsSync(join(assets, 'seccomp.pl'))) {
    return '';
  }
  const { stdout } = await execute(perl, ['-e', script, assets]);
  return Buffer.from(stdout, 'hex').toString('base64');
}
