import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine, MachineFactory } from './machine.js';

/** Perl is part of every Debian and Ubuntu base system and of most others; nothing else is asked of it. */
export function findPerl(): string | undefined {
  const candidates = ['/usr/bin/perl', ...(process.env.PATH ?? '').split(':').map((path) => join(path, 'perl'))];
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return path.startsWith('/');
    } catch {
      return false;
    }
  });
}

/** The spawner's program, beside the source and beside the build alike. */
export function spawnerProgram(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const up of ['..', '../..', '../../..']) {
    const path = join(here, up, 'assets', 'spawner.pl');
    try {
      accessSync(path, constants.R_OK);
      return path;
    } catch {
      // Next place.
    }
  }
  return join(here, '..', 'assets', 'spawner.pl');
}

/** Starts one whole sandbox and asks it a question: the only proof that this machine allows them. */
export async function proveWorks(factory: MachineFactory, id: string): Promise<string | undefined> {
  let machine: Machine | undefined;
  try {
    machine = await factory.create({
      id,
      hostname: 'probe',
      layers: ['base'],
      bootId: 'probe',
    });
    await machine.files.stat('user', '/home/user');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await machine?.kill();
  }
}
