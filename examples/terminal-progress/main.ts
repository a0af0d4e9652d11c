// A progress bar in a terminal, drawn from the events of a WARMING claim.
//
//   npm run example terminal-progress

import { defineRuntime, Pilotlight, type WarmingAnswer } from '@pilotlight/sdk';
import { Presets, SingleBar } from 'cli-progress';
import { example } from '../support/example.js';

const project = '/home/user/project';
const runtime = defineRuntime({
  name: 'project',
  files: { [`${project}/numbers.txt`]: Array.from({ length: 2000 }, (_, index) => index * 7919).join('\n') },
  steps: [
    // Two steps without an order between them run side by side; the third waits for both.
    { name: 'sort', run: 'sort -n numbers.txt > sorted.txt && sleep 0.4', cwd: project },
    { name: 'pack', run: 'gzip -k numbers.txt && sleep 0.3', cwd: project, after: [] },
    { name: 'index', run: 'wc -l sorted.txt > index.txt && sleep 0.3', cwd: project, after: ['sort', 'pack'] },
  ],
  ready: { file: `${project}/index.txt` },
  pool: { target: 0 },
});

/** Follows a claim to its end. Without a terminal it prints one line for each phase instead of a bar. */
async function show(answer: WarmingAnswer): Promise<void> {
  const bar = new SingleBar(
    { format: '{bar} {percentage} % | {what} | about {left} s left', hideCursor: true },
    Presets.shades_classic,
  );
  if (process.stdout.isTTY) bar.start(100, 0, { what: answer.phase, left: '?' });
  let shown = '';
  try {
    // Every follower sees the whole way, whenever it starts, and the loop ends with the one terminal event.
    for await (const { progress, phase, step, eta, outcome } of answer) {
      const what = outcome ?? step ?? phase;
      if (process.stdout.isTTY) bar.update(progress * 100, { what, left: (eta.p50Ms / 1000).toFixed(1) });
      else if (what !== shown) console.log(`${Math.round(progress * 100)} % ${what}`);
      shown = what;
    }
  } finally {
    bar.stop();
  }
}

await example(async (connection, signal) => {
  await using pilotlight = new Pilotlight({ ...connection, runtimes: [runtime] });
  const answer = await pilotlight.claim('project', { signal });
  if (answer.state === 'WARMING') {
    console.log(`Not hot yet, because: ${answer.reason}`);
    await show(answer);
  }
  const claim = await answer.ready;
  console.log(`Ready after ${(claim.latencyMs / 1000).toFixed(1)} s, from: ${claim.source}`);
  await claim.retire();
});
