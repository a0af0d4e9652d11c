import type { RemoteWarmingManager } from '@pilotlight/sdk/remote';
import type { WirePool, WireSession } from '@pilotlight/warming/wire';
import { type ReactNode, useState } from 'react';
import { Demand } from './demand.js';
import { dollars, duration, reasonText, share } from './format.js';

interface PoolsProps {
  pools: WirePool[];
  manager: RemoteWarmingManager;
  session: WireSession;
  onClaim(runtime: string): void;
}

export function Pools({ pools, manager, session, onClaim }: PoolsProps): ReactNode {
  if (pools.length === 0) {
    return (
      <section className="empty">
        <h2>No runtime yet</h2>
        <p>
          Declare one in the service's configuration under <code>runtimes</code>, or send it with{' '}
          <code>PUT /v1/runtimes/&lt;name&gt;</code>. Its pool appears here at once.
        </p>
      </section>
    );
  }
  return (
    <section aria-labelledby="pools-title">
      <h2 id="pools-title">Pools</h2>
      <ul className="cards">
        {pools.map((pool) => (
          <li key={`${pool.owner}/${pool.runtime}`} className="card" data-pool={pool.runtime}>
            <Pool pool={pool} manager={manager} session={session} onClaim={onClaim} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Pool({ pool, manager, session, onClaim }: Omit<PoolsProps, 'pools'> & { pool: WirePool }): ReactNode {
  const mayChange =
    session.scopes.includes('operator') || (pool.owner === 'own' && session.scopes.includes('pools:write'));
  return (
    <>
      <header>
        <h3>{pool.runtime}</h3>
        <span className="tag">{pool.owner === 'own' ? 'yours' : 'shared'}</span>
        {pool.state !== 'running' && <span className="tag warn">{pool.state}</span>}
      </header>
      <dl className="counts" aria-live="polite">
        <Count label="hot" value={pool.hot} of={pool.target} tone="hot" />
        <Count label="parked" value={pool.parked} tone="parked" />
        <Count label="warming" value={pool.warming} tone="warming" />
        <Count label="claimed" value={pool.claimed} tone="claimed" />
      </dl>
      <dl className="facts">
        <Fact label="Hit rate" value={`${share(pool.hitRate)} of ${pool.claims}`} />
        <Fact label="Hot p50 / p95 / p99" value={three(pool.hotMs)} />
        <Fact label="Warming p50 / p95 / p99" value={three(pool.warmingMs)} />
        <Fact
          label="Idle cost, wasted"
          value={pool.cost === null ? 'no price known' : `${dollars(pool.cost.spent)}, ${dollars(pool.cost.wasted)}`}
        />
        {pool.cost?.perSavedSecond != null && (
          <Fact label="Per second saved" value={dollars(pool.cost.perSavedSecond)} />
        )}
      </dl>
      <Misses pool={pool} />
      <Demand pool={pool} />
      <Expected pool={pool} />
      <footer>
        <button type="button" className="primary" onClick={() => onClaim(pool.runtime)}>
          Claim a sandbox
        </button>
        {mayChange && <Switches pool={pool} manager={manager} />}
      </footer>
    </>
  );
}

function Switches({ pool, manager }: { pool: WirePool; manager: RemoteWarmingManager }): ReactNode {
  const [problem, setProblem] = useState<string>();
  const change = (body: Record<string, unknown>): void => {
    setProblem(undefined);
    manager.client
      .json('patch', `v1/pools/${pool.runtime}`, body)
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };
  return (
    <>
      <label>
        Target{' '}
        <input
          type="number"
          min={0}
          max={100}
          key={pool.target}
          defaultValue={pool.target}
          onChange={(event) => {
            const target = event.target.valueAsNumber;
            if (Number.isInteger(target) && target >= 0) change({ target });
          }}
        />
      </label>
      <button type="button" onClick={() => change({ state: pool.state === 'paused' ? 'running' : 'paused' })}>
        {pool.state === 'paused' ? 'Resume' : 'Pause'}
      </button>
      {problem !== undefined && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
    </>
  );
}

function Misses({ pool }: { pool: WirePool }): ReactNode {
  const misses = Object.entries(pool.misses);
  if (misses.length === 0) return <p className="quiet">No miss yet.</p>;
  return (
    <p className="quiet">
      Cold because{' '}
      {misses
        .sort(([, first], [, second]) => second - first)
        .map(([reason, count]) => `${reasonText(reason)} (${count})`)
        .join(', ')}
      .
    </p>
  );
}

/** What the target policy expects, and in its own words why the target is what it is. */
function Expected({ pool: { forecast, target } }: { pool: WirePool }): ReactNode {
  if (forecast === null) return null;
  return (
    <details className="quiet">
      <summary>
        Expected: {forecast.claimsPerHour.toFixed(1)} claims an hour, {share(forecast.claimWithin10MinProbability)} for
        one within ten minutes
      </summary>
      <p>As the forecast alone sees it. Within its bounds, the pool keeps {target} now.</p>
      <ul className="reasons">
        {forecast.reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </details>
  );
}

function Count({ label, value, of, tone }: { label: string; value: number; of?: number; tone: string }): ReactNode {
  return (
    <div className={`count ${tone}`}>
      <dt>{label}</dt>
      <dd data-count={label}>
        {value}
        {of !== undefined && <small>/{of}</small>}
      </dd>
    </div>
  );
}

function Fact({ label, value }: { label: string; value: string }): ReactNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function three({ p50Ms, p95Ms, p99Ms }: WirePool['hotMs']): string {
  return [p50Ms, p95Ms, p99Ms].map(duration).join(' / ');
}
