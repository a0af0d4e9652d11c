import { type RemoteWarmingManager, remoteManager } from '@pilotlight/sdk/remote';
import {
  type WireClaimSummary,
  type WirePool,
  type WireSession,
  type WireSnapshotLink,
  type WireUsage,
  wireClaimList,
  wirePoolList,
  wireSession,
  wireSnapshotList,
  wireUsage,
} from '@pilotlight/warming/wire';
import { useCallback, useEffect, useRef, useState } from 'react';

const tokenKey = 'pilotlight.token';

/** The token lives as long as the tab: a shared computer must not keep it. */
export function savedToken(): string | undefined {
  return sessionStorage.getItem(tokenKey) ?? undefined;
}

export function saveToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(tokenKey);
  else sessionStorage.setItem(tokenKey, token);
}

export function connect(token: string | undefined): RemoteWarmingManager {
  return remoteManager({ url: window.location.origin, retries: 1, ...(token === undefined ? {} : { token }) });
}

export async function readSession(manager: RemoteWarmingManager): Promise<WireSession> {
  return wireSession.parse(await manager.client.json('get', 'v1/session'));
}

/** Everything the page shows, as the service says it now. */
export interface Picture {
  pools: WirePool[];
  claims: WireClaimSummary[];
  usage: WireUsage | undefined;
  links: WireSnapshotLink[];
}

export type Reading = { state: 'loading' } | { state: 'shown'; picture: Picture; stale: boolean };

const refreshMs = 5_000;
const collectMs = 150;

/** Reads the picture, and again when an event says that it changed; numbers of pools move with the events themselves. */
export function usePicture(manager: RemoteWarmingManager, session: WireSession): Reading {
  const [reading, setReading] = useState<Reading>({ state: 'loading' });
  const pending = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const read = useCallback(async (): Promise<void> => {
    try {
      const picture = await readPicture(manager, session);
      setReading({ state: 'shown', picture, stale: false });
    } catch {
      setReading((before) => (before.state === 'shown' ? { ...before, stale: true } : before));
    }
  }, [manager, session]);

  useEffect(() => {
    const soon = (): void => {
      pending.current ??= setTimeout(() => {
        pending.current = undefined;
        void read();
      }, collectMs);
    };
    const counted = (event: Pick<WirePool, 'runtime' | 'target' | 'hot' | 'parked' | 'warming' | 'claimed'>): void => {
      setReading((before) =>
        before.state === 'shown' ? { ...before, picture: withCounts(before.picture, event) } : before,
      );
    };
    void read();
    const timer = setInterval(() => void read(), refreshMs);
    manager.on('pool-changed', counted);
    for (const name of ['claim-ready', 'claim-missed', 'claim-failed', 'claim-retired'] as const)
      manager.on(name, soon);
    return () => {
      clearInterval(timer);
      clearTimeout(pending.current);
      pending.current = undefined;
      manager.removeAllListeners();
    };
  }, [manager, read]);

  return reading;
}

async function readPicture({ client }: RemoteWarmingManager, { scopes }: WireSession): Promise<Picture> {
  const may = (scope: WireSession['scopes'][number]): boolean => scopes.includes(scope) || scopes.includes('operator');
  const [pools, claims, usage, snapshots] = await Promise.all([
    may('pools:read') ? client.json('get', 'v1/pools') : { pools: [] },
    may('claims') ? client.json('get', 'v1/claims?limit=50') : { claims: [] },
    may('usage') ? client.json('get', 'v1/usage') : undefined,
    may('snapshots:read') ? client.json('get', 'v1/snapshots') : { links: [] },
  ]);
  return {
    pools: wirePoolList.parse(pools).pools,
    claims: wireClaimList.parse(claims).claims,
    usage: usage === undefined ? undefined : wireUsage.parse(usage),
    links: wireSnapshotList.parse(snapshots).links,
  };
}

function withCounts(
  picture: Picture,
  event: Pick<WirePool, 'runtime' | 'target' | 'hot' | 'parked' | 'warming' | 'claimed'>,
): Picture {
  return {
    ...picture,
    pools: picture.pools.map((pool) => (pool.runtime === event.runtime ? { ...pool, ...event } : pool)),
  };
}
