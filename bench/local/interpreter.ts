import { Sandbox } from '@e2b/code-interpreter';
import { type BenchRow, row } from '../support/report.js';
import { timed } from '../support/statistics.js';
import type { Connection } from './figures.js';
import { summarize } from './times.js';

const rounds = 15;
const coldRounds = 5;

/**
 * `import pandas` in an interpreter of a sandbox that was made a moment ago, against a Python that is started in the same
 * sandbox. Both from the call of the SDK to its answer.
 */
export async function measureInterpreter(host: Connection, condition: string): Promise<BenchRow[]> {
  const warm = await Sandbox.create(host);
  await warm.runCode('1');
  const hasPandas = await warm.commands.run('/usr/bin/python3 -c "import pandas"').then(
    () => true,
    () => false,
  );
  await warm.kill();
  const samples = { first: [] as number[], again: [] as number[], cold: [] as number[] };
  for (let round = 0; hasPandas && round < rounds; round += 1) {
    const sandbox = await Sandbox.create(host);
    if (round < coldRounds) {
      samples.cold.push(await durationOf(() => sandbox.commands.run('/usr/bin/python3 -c "import pandas"')));
    }
    samples.first.push(await durationOf(() => sandbox.runCode('import pandas')));
    samples.again.push(await durationOf(() => sandbox.runCode('import pandas')));
    await sandbox.kill();
  }
  return [
    speedUp(`runCode("import pandas"), first code of a new sandbox, against a cold Python${condition}`, samples.first),
    speedUp(`runCode("import pandas") in a running context, against a cold Python${condition}`, samples.again),
  ];

  function speedUp(name: string, measured: readonly number[]): BenchRow {
    const fields = { name, unit: 'x', op: '>=' as const, target: 20 };
    if (!hasPandas) {
      return { ...row({ ...fields, measured: null }), why: 'pandas is not installed for /usr/bin/python3' };
    }
    const [cold, preloaded] = [summarize(samples.cold).p50, summarize(measured).p50];
    const baseline = `${preloaded.toFixed(1)} ms against ${cold.toFixed(1)} ms`;
    return row({ ...fields, measured: Math.round((cold / preloaded) * 10) / 10, baseline });
  }
}

async function durationOf(act: () => Promise<unknown>): Promise<number> {
  return (await timed(act)).durationMs;
}
