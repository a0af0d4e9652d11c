import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { WarmingError } from '../errors.js';
import { buildFamily, FAMILIES } from './families.js';
import { type PastClaim, replayHistory } from './history.js';
import { replay } from './replay.js';
import { readTrace } from './trace.js';

const USAGE = `npm run -s replay -- --trace FILE --lead-seconds 15 --value-seconds 240
  [--policy ${FAMILIES.join('|')}] [--tiers own|own,generic --specialise-seconds S]
  [--compare --plot OUT.svg|OUT.html]
  [--hot N] [--cron "0 8 * * 1-5"] [--log OUT] [--seed 1] [--json]

The price --value-seconds is what an avoided cold start is worth in idle sandbox-seconds; for keep-alive it is how long
a replacement lives. The seed is accepted and changes nothing: no policy draws random numbers.`;

function numberOf(name: string, text: string | undefined, otherwise?: number): number {
  const value = text === undefined ? otherwise : Number(text === 'infinity' ? Infinity : text);
  if (value !== undefined && value >= 0) return value;
  throw new WarmingError(
    'invalid_option',
    `--${name} is ${text ?? 'missing'}. Give a number of at least 0.\n\n${USAGE}`,
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      trace: { type: 'string' },
      'lead-seconds': { type: 'string' },
      'value-seconds': { type: 'string' },
      policy: { type: 'string', default: 'forecast' },
      tiers: { type: 'string', default: 'own' },
      'specialise-seconds': { type: 'string' },
      hot: { type: 'string' },
      cron: { type: 'string' },
      seed: { type: 'string', default: '1' },
      log: { type: 'string' },
      compare: { type: 'boolean', default: false },
      plot: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  if (values.trace === undefined) throw new WarmingError('invalid_option', `--trace is missing.\n\n${USAGE}`);
  const leadSeconds = numberOf('lead-seconds', values['lead-seconds'], 15);
  if (values.compare) {
    await compare(values.trace, leadSeconds, values.plot, values.json);
    return;
  }
  const policy = buildFamily(values.policy, {
    leadSeconds,
    valueSeconds: numberOf('value-seconds', values['value-seconds'], 600),
    hot: numberOf('hot', values.hot, 1),
    ...(values.cron === undefined ? {} : { cron: values.cron }),
    ...(tiersOf(values.tiers).includes('generic')
      ? { specialiseSeconds: numberOf('specialise-seconds', values['specialise-seconds'], 0.25) }
      : {}),
  });
  const report = await replay({
    arrivals: readTrace(values.trace),
    policy,
    leadSeconds,
    ...(values.log === undefined ? {} : { logFile: values.log }),
  });
  if (values.json) console.log(JSON.stringify({ bench: 'replay', rows: [], ...report }));
  else for (const [name, value] of Object.entries(report)) console.log(`${name.padEnd(28)} ${format(value)}`);
}

/** All policies at several prices, as a table and as a plot. */
async function compare(trace: string, leadSeconds: number, plot: string | undefined, json: boolean): Promise<void> {
  const { text, html, svg, rows, claims } = await replayHistory({ claims: pastClaims(trace), leadSeconds });
  if (plot !== undefined) await writeFile(plot, plot.endsWith('.html') ? html : svg);
  console.log(json ? JSON.stringify({ bench: 'replay', rows: [], claims, compared: rows }) : text);
}

async function* pastClaims(trace: string): AsyncGenerator<PastClaim> {
  for await (const { seconds, key } of readTrace(trace)) yield { atMs: seconds * 1000, runtime: key };
}

function tiersOf(text: string): string[] {
  const tiers = text.split(',');
  if (tiers.includes('own') && tiers.every((tier) => tier === 'own' || tier === 'generic')) return tiers;
  throw new WarmingError('invalid_option', `--tiers is ${text}. Give own or own,generic.`);
}

function format(value: unknown): string {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(5) : String(value);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
