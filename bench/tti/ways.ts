import { type ConnectionOptions, Pilotlight, type RuntimeSpec } from '@pilotlight/sdk';
import type { ClaimSource } from '@pilotlight/warming';
import { Sandbox } from 'e2b';
import { pooled, unlimited } from '../support/pools.js';
import { timed } from '../support/statistics.js';

/** What one claim took, in milliseconds, and how to end it when everything was measured. */
export interface Taken {
  /** Undefined when the claim was answered by another way than the one asked for. */
  readonly durationMs: number | undefined;
  end(): Promise<unknown>;
}

/** One way of getting a sandbox, measured to the result of its first command. */
export interface Way {
  readonly name: 'bare' | 'raw' | 'hot' | 'parked' | 'linked' | 'cold';
  /** Makes `count` claims of this way possible at once. Not part of what is measured. */
  prepare(count: number): Promise<void>;
  take(): Promise<Taken>;
  close(): Promise<void>;
}

/** A small project whose warm-up does real work, so that cold and linked differ by more than a name. */
const project: RuntimeSpec = {
  name: 'project',
  files: Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [
      `/home/user/app/module_${index}.py`,
      `def value_${index}(number):\n    return number * ${index}\n`.repeat(20),
    ]),
  ),
  steps: [{ name: 'compile', run: 'python3 -m compileall -q .', cwd: '/home/user/app' }],
  ready: { command: 'test -d /home/user/app/__pycache__' },
};

const lifeMs = 600_000;

/** A command on a sandbox that is connected already: what no way can be faster than. */
function bareWay(connection: ConnectionOptions): Way {
  const connected: Sandbox[] = [];
  let turn = 0;
  return {
    name: 'bare',
    prepare: async (count) => {
      while (connected.length < count) {
        const sandbox = await Sandbox.create('base', { ...connection, timeoutMs: lifeMs });
        await sandbox.commands.run('true');
        connected.push(sandbox);
      }
    },
    take: async () => {
      const sandbox = connected[turn++ % connected.length];
      const { durationMs } = await timed(() => sandbox?.commands.run('true'));
      return { durationMs, end: async () => {} };
    },
    close: async () => {
      await Promise.all(connected.map((sandbox) => sandbox.kill()));
    },
  };
}

function rawWay(connection: ConnectionOptions): Way {
  return {
    name: 'raw',
    prepare: async () => {},
    take: async () => {
      const { value, durationMs } = await timed(async () => {
        const sandbox = await Sandbox.create('base', { ...connection, timeoutMs: lifeMs });
        await sandbox.commands.run('true');
        return sandbox;
      });
      return { durationMs, end: () => value.kill() };
    },
    close: async () => {},
  };
}

/** A client whose pool can answer in one way only. */
function clientWay(
  name: Extract<Way['name'], ClaimSource>,
  connection: ConnectionOptions,
  pool: RuntimeSpec['pool'],
  prepare: (pilotlight: Pilotlight, count: number) => Promise<void>,
): Way {
  const pilotlight = new Pilotlight({
    ...connection,
    runtimes: [{ ...project, pool: { max: 400, generic: false, ...pool } }],
    warming: { budget: unlimited },
  });
  return {
    name,
    prepare: (count) => prepare(pilotlight, count),
    take: async () => {
      const { value, durationMs } = await timed(async () => {
        const sandbox = await pilotlight.sandbox(project.name, { lifeMs });
        await sandbox.commands.run('true');
        return sandbox;
      });
      return { durationMs: value.claim?.source === name ? durationMs : undefined, end: () => value.kill() };
    },
    close: () => pilotlight.close(),
  };
}

/** @param depth claims that a burst makes at once */
export function allWays(connection: ConnectionOptions, depth: number): Way[] {
  return [
    bareWay(connection),
    rawWay(connection),
    clientWay('hot', connection, { target: depth }, (client, count) =>
      pooled(client, project.name, 'hot', Math.min(count, depth)),
    ),
    clientWay('parked', connection, { target: 0, parked: depth }, (client, count) =>
      pooled(client, project.name, 'parked', Math.min(count, depth)),
    ),
    clientWay('linked', connection, { target: 0, link: true }, linkCaptured()),
    clientWay('cold', connection, { target: 0, link: false }, async (client) => client.start()),
  ];
}

/** The first claim is cold and leaves a link; from then on there is one. */
function linkCaptured(): (pilotlight: Pilotlight) => Promise<void> {
  let captured: Promise<void> | undefined;
  return (pilotlight) => {
    captured ??= (async () => {
      for (let attempt = 0; attempt < 20; attempt += 1) {
        const sandbox = await pilotlight.sandbox(project.name);
        await sandbox.kill();
        if (sandbox.claim?.source === 'linked') return;
      }
      throw new Error('No snapshot link was captured after 20 claims.');
    })();
    return captured;
  };
}
