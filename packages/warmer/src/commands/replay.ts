import { writeFileSync } from 'node:fs';
import { defineCommand } from 'citty';
import Table from 'cli-table3';
import { WarmerError } from '../errors.js';
import { openHistory } from '../history/open.js';
import { type ReplayAnswer, replayClaims } from '../history/replay.js';
import { attempt } from './run.js';
import { settingFlags, settingsOf } from './settings.js';

const dayMs = 86_400_000;

export const replayCommand = defineCommand({
  meta: {
    name: 'replay',
    description: "Read the service's past claims and say what they would have cost and hit under each policy",
  },
  args: {
    ...settingFlags,
    days: { type: 'string', description: 'How far back', default: '7' },
    'lead-seconds': {
      type: 'string',
      description: 'How long a sandbox takes to be hot (default: the median of those that had to be made)',
    },
    plot: { type: 'string', description: 'Write the frontier there: a file that ends in .svg or .html' },
    json: { type: 'boolean', description: 'Print one JSON object', default: false },
  },
  run: ({ args }) =>
    attempt(async () => {
      const config = settingsOf(args);
      const days = numberOf('--days', args.days);
      const lead = args['lead-seconds'];
      if (args.plot !== undefined && !/\.(svg|html)$/.test(args.plot)) {
        throw new WarmerError('invalid_option', '--plot must end in .svg or .html.');
      }
      const history = await openHistory(config);
      try {
        const answer = await replayClaims(history, {
          fromMs: Date.now() - days * dayMs,
          leadSeconds: lead === undefined ? undefined : numberOf('--lead-seconds', lead),
          prices: config.prices,
        });
        const { svg, html } = answer.report;
        if (args.plot !== undefined) writeFileSync(args.plot, args.plot.endsWith('.svg') ? svg : html);
        console.log(args.json ? JSON.stringify({ bench: 'replay', ...withoutReport(answer) }) : tableOf(answer, days));
      } finally {
        await history.close();
      }
    }),
});

function withoutReport({ report: _, ...rest }: ReplayAnswer): Omit<ReplayAnswer, 'report'> {
  return rest;
}

function tableOf({ claims, runtimes, hotShare, leadSeconds, rows }: ReplayAnswer, days: number): string {
  const table = new Table({
    head: ['policy', 'price of a cold start, idle s', 'hits', 'idle s per claim', 'idle cost, $'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const { policy, priceSeconds, hitShare, idleSecondsPerClaim, idleDollars } of rows) {
    table.push([
      policy,
      String(priceSeconds),
      `${(hitShare * 100).toFixed(1)} %`,
      idleSecondsPerClaim.toFixed(1),
      idleDollars.toFixed(2),
    ]);
  }
  const happened = `${claims} claims of ${runtimes} runtimes in ${days} days; ${(hotShare * 100).toFixed(1)} % were handed a hot sandbox.`;
  return [happened, `A sandbox takes ${leadSeconds.toFixed(1)} s to be hot.`, table.toString()].join('\n');
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new WarmerError('invalid_option', `${name} must be a number above 0.`);
}
