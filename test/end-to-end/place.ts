import { startLocalHost } from '@pilotlight/local';
import type { ConnectionOptions, PilotlightOptions } from '@pilotlight/sdk';
import { Sandbox } from 'e2b';

/** Where the suite runs: the local host, or E2B as its environment variables say. */
export interface Place {
  readonly name: 'local' | 'cloud';
  readonly connection: ConnectionOptions;
  /** How long a pool may take to fill. */
  readonly fillMs: number;
  /** Options for a client of its own fleet, whose sandboxes {@link left} finds. */
  options(): Pick<PilotlightOptions, keyof ConnectionOptions | 'warming'>;
  /** Sandboxes of this suite that still run. */
  left(): Promise<string[]>;
  /** Ends all that is left, whatever became of the tests. */
  close(): Promise<void>;
}

/**
 * `PILOTLIGHT_E2E=cloud` runs the suite against E2B. Each sandbox ends by itself after {@link cloudLifeMs} even when this process
 * is killed, and the suite starts less than 100 of them, so that it can never cost more than a dollar at E2B's prices; mostly it
 * is a few cents.
 */
export async function openPlace(environment: NodeJS.ProcessEnv = process.env): Promise<Place> {
  const wanted = environment.PILOTLIGHT_E2E ?? 'local';
  if (wanted === 'local') {
    const host = await startLocalHost();
    return placeOf('local', host.connectionOptions, () => host.close());
  }
  if (wanted !== 'cloud') throw new Error(`PILOTLIGHT_E2E is "${wanted}"; use "local" or "cloud".`);
  if (!environment.E2B_API_KEY) {
    throw new Error(
      'PILOTLIGHT_E2E=cloud runs the end-to-end suite against E2B, which needs a key. Make one at https://e2b.dev/dashboard and ' +
        'set E2B_API_KEY; or leave PILOTLIGHT_E2E out to run against the local host.',
    );
  }
  return placeOf('cloud', {}, async () => undefined);
}

const cloudLifeMs = 300_000;

function placeOf(name: Place['name'], connection: ConnectionOptions, stop: () => Promise<void>): Place {
  const run = crypto.randomUUID().slice(0, 8);
  const fleets: string[] = [];
  const left = async () => {
    const found: string[] = [];
    for (const fleet of fleets) {
      const paginator = Sandbox.list({ ...connection, query: { metadata: { 'pilotlight.fleet': fleet } } });
      while (paginator.hasNext) for (const { sandboxId } of await paginator.nextItems()) found.push(sandboxId);
    }
    return found;
  };
  return {
    name,
    connection,
    fillMs: name === 'cloud' ? 90_000 : 20_000,
    options() {
      const fleet = `e2e-${run}-${fleets.length}`;
      fleets.push(fleet);
      // The rates of E2B's smallest plan.
      const budget = { createsPerSecond: 1, burst: 1, maxSandboxes: 20 };
      const cloud = { budget, slotLifeMs: cloudLifeMs, links: 'delete' as const };
      return { ...connection, warming: { fleet, ...(name === 'cloud' ? cloud : {}) } };
    },
    left,
    async close() {
      for (const sandboxId of await left()) await Sandbox.kill(sandboxId, connection);
      await stop();
    },
  };
}
