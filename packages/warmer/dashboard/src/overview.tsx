import type { WireClaimSummary, WireObjective, WireSnapshotLink } from '@pilotlight/warming/wire';
import type { ReactNode } from 'react';
import { duration, reasonText, share } from './format.js';

/** How the objectives stand; a burning one is said in words, not in colour alone. */
export function Objectives({ objectives }: { objectives: readonly WireObjective[] }): ReactNode {
  if (objectives.length === 0) return null;
  return (
    <section aria-labelledby="objectives-title">
      <h2 id="objectives-title">Objectives</h2>
      <ul className="row">
        {objectives.map((objective) => (
          <li key={objective.name} className={`card objective ${objective.burning ? 'burning' : ''}`}>
            <h3>{objective.name}</h3>
            <p>
              <strong>{measureText(objective, objective.measured)}</strong>{' '}
              {objective.percentile === undefined ? '' : `p${objective.percentile} `}of{' '}
              {measureText(objective, objective.target)}
            </p>
            <p className="quiet">
              {objective.burning ? 'Burning: ' : ''}budget used {objective.burnRate.toFixed(1)} × as fast as allowed
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Claims({ claims }: { claims: readonly WireClaimSummary[] }): ReactNode {
  if (claims.length === 0) {
    return (
      <section className="empty">
        <h2>No claim yet</h2>
        <p>Claim a sandbox above, or let an app do it; it appears here.</p>
      </section>
    );
  }
  return (
    <section aria-labelledby="claims-title">
      <h2 id="claims-title">Claims</h2>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Runtime</th>
              <th scope="col">State</th>
              <th scope="col">How</th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            {claims.map((claim) => (
              <tr key={claim.claimId}>
                <td>{claim.runtime}</td>
                <td>
                  <span className={`tag ${claim.state === 'HOT' ? 'good' : claim.state === 'FAILED' ? 'warn' : ''}`}>
                    {claim.state}
                  </span>
                </td>
                <td>{howOf(claim)}</td>
                <td>{new Date(claim.createdAtMs).toLocaleTimeString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function Links({ links }: { links: readonly WireSnapshotLink[] }): ReactNode {
  return (
    <section aria-labelledby="links-title">
      <h2 id="links-title">Snapshot links</h2>
      {links.length === 0 ? (
        <p className="quiet">None yet. The first warm-up of a runtime with steps is captured and used from then on.</p>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Runtime</th>
                <th scope="col">Snapshot</th>
                <th scope="col">Key</th>
                <th scope="col">Last verified</th>
                <th scope="col">Ends</th>
              </tr>
            </thead>
            <tbody>
              {links.map((link) => (
                <tr key={link.packKey}>
                  <td>{link.runtime ?? '–'}</td>
                  <td>
                    <code>{link.snapshotId}</code>
                  </td>
                  <td>
                    <code>{link.packKey.slice(-16)}</code>
                  </td>
                  <td>
                    {link.verifiedAtMs === undefined ? 'not yet' : new Date(link.verifiedAtMs).toLocaleTimeString()}
                  </td>
                  <td>
                    {link.expiresAtMs === undefined
                      ? 'with its snapshot'
                      : `${new Date(link.expiresAtMs).toLocaleDateString()}, unless used`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function measureText(objective: WireObjective, value: number | null): string {
  return objective.indicator === 'hit_rate' ? share(value) : duration(value);
}

function howOf(claim: WireClaimSummary): string {
  switch (claim.state) {
    case 'WARMING':
      return `${Math.round(claim.progress * 100)} % ${claim.phase}, ${reasonText(claim.reason)}`;
    case 'HOT':
      return `${claim.source}, ${duration(claim.latencyMs)}`;
    case 'FAILED':
      return claim.error.message.split('\n')[0] ?? '';
    case 'CANCELLED':
    case 'RETIRED':
      return '';
  }
}
