import type { WirePool } from '@pilotlight/warming/wire';
import type { ReactNode } from 'react';

const width = 240;
const height = 44;

/** Claims per minute of the last hour as bars, what was expected as a line. */
export function Demand({ pool }: { pool: WirePool }): ReactNode {
  const highest = Math.max(1, ...pool.demand.map(({ came, forecast }) => Math.max(came, forecast ?? 0)));
  const step = width / pool.demand.length;
  const came = pool.demand.reduce((sum, minute) => sum + minute.came, 0);
  const expected = pool.demand.filter((minute) => minute.forecast !== null);
  const claims = `${came} ${came === 1 ? 'claim' : 'claims'} in the last hour`;
  const label =
    expected.length === 0
      ? `${claims}; no forecast yet`
      : `${claims}, ${Math.round(expected.reduce((sum, minute) => sum + (minute.forecast ?? 0), 0))} expected`;
  const line = pool.demand
    .map(({ forecast }, index) => ({ forecast, x: (index + 0.5) * step }))
    .filter(({ forecast }) => forecast !== null)
    .map(({ forecast, x }) => `${x},${height - ((forecast ?? 0) / highest) * height}`)
    .join(' ');
  return (
    <figure className="demand">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} preserveAspectRatio="none">
        {pool.demand.map((minute, index) => (
          <rect
            key={minute.atMs}
            x={index * step + 0.5}
            width={Math.max(1, step - 1)}
            y={height - (minute.came / highest) * height}
            height={(minute.came / highest) * height}
          />
        ))}
        {line !== '' && <polyline points={line} />}
      </svg>
      <figcaption>{label}</figcaption>
    </figure>
  );
}
