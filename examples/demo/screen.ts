import type { WarmingProgress } from '@pilotlight/sdk';
import { Presets, SingleBar } from 'cli-progress';
import Table from 'cli-table3';

/** What the demo shows to a person. With `--json` the last line of standard output is for programs; the rest stays. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A progress bar on a terminal, one line for each new phase elsewhere. */
export function progressBar(): (event: WarmingProgress) => void {
  const describe = (event: WarmingProgress) => (event.step ? `${event.phase} (${event.step})` : event.phase);
  const eta = (event: WarmingProgress) =>
    `${seconds(event.eta.p50Ms)} to ${seconds(event.eta.p90Ms)} left${event.eta.samples === 0 ? ' (a guess)' : ''}`;

  if (!process.stdout.isTTY) {
    let shown = '';
    return (event) => {
      const line = describe(event);
      if (line !== shown || event.outcome) {
        say(
          `  WARMING ${String(Math.round(event.progress * 100)).padStart(3)} %  ${line}, ${event.outcome ?? eta(event)}`,
        );
      }
      shown = line;
    };
  }
  const bar = new SingleBar(
    { format: '  WARMING {bar} {percentage} %  {what}, {eta_text}', hideCursor: true },
    Presets.shades_classic,
  );
  bar.start(100, 0, { what: 'queued', eta_text: '' });
  return (event) => {
    bar.update(Math.round(event.progress * 100), { what: describe(event), eta_text: event.outcome ?? eta(event) });
    if (event.outcome) bar.stop();
  };
}

/** The closing table: one row a way of getting a sandbox. */
export function table(
  rows: readonly (readonly [way: string, p50: number, p95: number | undefined, claims: number])[],
): void {
  const drawn = new Table({
    head: ['TTI, ms', 'p50', 'p95', 'n'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const [way, p50, p95, count] of rows)
    drawn.push([way, p50.toFixed(1), p95 === undefined ? '' : p95.toFixed(1), count]);
  say(drawn.toString());
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
