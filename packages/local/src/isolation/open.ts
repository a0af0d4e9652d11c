import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LocalHostError } from '../errors.js';
import { type EgressProxy, egressEnvironment, egressPort } from '../network/egress-proxy.js';
import type { LocalHostSettings } from '../options.js';
import { makeInstanceLayout } from '../storage/layers.js';
import { firstRangeId, writeSkeleton } from '../storage/skeleton.js';
import type { MachineFactory } from './machine.js';
import { NamespaceFactory } from './namespace-factory.js';
import { findPerl, proveWorks, spawnerProgram } from './probe.js';
import { ProcessFactory } from './process-factory.js';
import { Spawner } from './spawner.js';

/**
 * Which user ids of the host sandboxes run under: `own`, a range for each sandbox that no other has; `shared`, one range
 * for all of them that nobody on the host has; `one`, the id of whoever started the host.
 */
export type UserIds = 'own' | 'shared' | 'one';

export interface Isolation {
  factory: MachineFactory;
  /** Why the level is not a better one. */
  reason: string | undefined;
  userIds: UserIds;
  /** Id that files of the sandbox's user have on the host; undefined when it is the host's own. */
  sandboxUserId: number | undefined;
  /** Variables every command starts with. */
  environment: Readonly<Record<string, string>>;
}

/** The best level that was proved to work, or the one asked for, or an error: never less without saying so. */
export async function openIsolation(
  settings: LocalHostSettings,
  instanceDirectory: string,
  egress: EgressProxy,
): Promise<Isolation> {
  if (settings.isolation === 'process') {
    return openProcess(instanceDirectory, 'it was asked for');
  }
  const opened = await openNamespaces(settings, instanceDirectory, egress);
  if (typeof opened === 'string') {
    return settings.isolation === 'auto' ? openProcess(instanceDirectory, opened) : refuse(settings.isolation, opened);
  }
  if (settings.isolation === 'hardened' && opened.factory.level !== 'hardened') {
    await opened.factory.close();
    return refuse('hardened', opened.reason ?? 'sandboxes cannot be limited');
  }
  return opened;
}

function refuse(level: string, reason: string): never {
  throw new LocalHostError(
    'isolation_unavailable',
    `Isolation "${level}" cannot be had here: ${reason}. Ask for "auto" to run with less, or mend the cause.`,
  );
}

async function openNamespaces(
  settings: LocalHostSettings,
  instanceDirectory: string,
  egress: EgressProxy,
): Promise<Isolation | string> {
  const perl = findPerl();
  if (process.platform !== 'linux' || perl === undefined) {
    return process.platform === 'linux' ? 'there is no Perl' : `${process.platform} has no namespaces`;
  }
  const program = spawnerProgram();
  const spawner = new Spawner(perl, program, instanceDirectory);
  const probe = await spawner.probe();
  if (!probe.available) {
    await spawner.abandon();
    return probe.reason;
  }
  const ranged = probe.identities === 'range';
  makeInstanceLayout(instanceDirectory, ranged, firstRangeId);
  const skeleton = writeSkeleton(instanceDirectory, ranged);
  const build = (hardened: boolean, ownRanges: boolean) =>
    new NamespaceFactory(spawner, {
      hardened,
      ownRanges,
      instanceDirectory,
      perl,
      assets: dirname(program),
      systemDirectories: skeleton.systemDirectories,
      binds: skeleton.binds,
      hidden: skeleton.hidden,
      processLimit: settings.processLimit,
      memoryLimitBytes: settings.memoryLimitMegabytes * 1024 * 1024,
      cpuLimit: settings.cpuLimit,
      egressPort,
      onEgress: (sandboxId, connection) => egress.accept(sandboxId, connection),
    });
  const environment = { ...skeleton.environment, ...egressEnvironment };
  const sandboxUserId = ranged ? firstRangeId + 1000 : undefined;
  let reason = settings.isolation === 'namespaces' ? 'it was asked for' : await harden(spawner, instanceDirectory);
  for (const hardened of reason === undefined ? [true, false] : [false]) {
    for (const ownRanges of ranged ? [true, false] : [false]) {
      const factory = build(hardened, ownRanges);
      await factory.listen();
      const refusal = await proveWorks(factory, `probe-${factory.level}-${ownRanges ? 'own' : 'shared'}`);
      if (refusal === undefined) {
        const userIds = ownRanges ? 'own' : ranged ? 'shared' : 'one';
        return { factory, reason, userIds, sandboxUserId, environment };
      }
      await factory.stopListening();
      reason = refusal;
    }
    await spawner.soften();
  }
  await spawner.abandon();
  return reason ?? 'no sandbox could be made';
}

/** Why sandboxes are not limited, or undefined when they are. */
async function harden(spawner: Spawner, instanceDirectory: string): Promise<string | undefined> {
  try {
    await spawner.harden(basename(instanceDirectory));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function openProcess(instanceDirectory: string, reason: string): Isolation {
  if (!existsSync(join(instanceDirectory, 'layers'))) {
    makeInstanceLayout(instanceDirectory, false, 0);
  }
  return {
    factory: new ProcessFactory(instanceDirectory),
    reason,
    userIds: 'one',
    sandboxUserId: undefined,
    environment: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
  };
}
