import { E2B, type Sandbox } from 'e2b';
import { type BenchRow, report, row } from '../support/report.js';
import { type Baseline, measureBaselines } from './baselines.js';
import { type Connection, type Figures, measureHost } from './figures.js';
import { measureInterpreter } from './interpreter.js';
import { startProgram } from './program.js';

const liveCount = 200;

const floor = await startProgram<Connection>('./floor-server.ts');
const baselines = await measureBaselines(20);
const rows: BenchRow[] = [];
const isolation: string[] = [];
try {
  await measureAt('', {}, 0);
  await measureAt(', host holding 1 GB', { HOLD_MB: '1024' }, 0);
  await measureAt(`, ${liveCount} live sandboxes`, {}, liveCount);
} finally {
  await floor.stop();
}
report('local', rows, { isolation: isolation[0], baselines });

async function measureAt(condition: string, environment: Record<string, string>, live: number): Promise<void> {
  const host = await startProgram<Connection & { isolation: string }>('./host-process.ts', environment);
  try {
    isolation.push(host.line.isolation);
    const e2b = new E2B(host.line);
    const others: Sandbox[] = [];
    for (let index = 0; index < live; index += 1) {
      others.push(await e2b.Sandbox.create({ timeoutMs: 3_600_000 }));
    }
    rows.push(...rowsOf(condition, await measureHost(host.line, floor.line)));
    rows.push(...(await measureInterpreter(host.line, condition)));
    if (live > 0) {
      const answers = await Promise.all(others.map((sandbox) => sandbox.commands.run('true')));
      const alive = answers.filter((answer) => answer.exitCode === 0).length;
      rows.push(row({ name: 'sandboxes alive at once', measured: alive, unit: '', op: '>=', target: live }));
    }
  } finally {
    await host.stop();
  }
}

function rowsOf(condition: string, figures: Figures): BenchRow[] {
  const { floor: least, command, shellMs, raw, template, snapshot, pause, resume, forkTenMs } = figures;
  const milliseconds = (name: string, measured: number, target: number, baseline?: string) =>
    row({
      name: `${name}${condition}`,
      measured: tenth(measured),
      unit: 'ms',
      op: '<=',
      target,
      ...(baseline === undefined ? {} : { baseline }),
    });
  return [
    row({
      name: `commands.run('true') p50 over the SDK's own floor${condition}`,
      measured: Math.round((command.p50 / least.p50) * 100) / 100,
      unit: 'x',
      op: '<=',
      target: 2,
      baseline: `${tenth(command.p50)} ms against ${tenth(least.p50)} ms; that and the shell alone, ${tenth(shellMs)} ms, would be ${Math.round(((least.p50 + shellMs) / least.p50) * 100) / 100} x`,
    }),
    milliseconds("the host's share of a command p95", raw.p95, 5, baselineText()),
    milliseconds('create to first command from a template p95', template.p95, 25),
    milliseconds('create to first command from a snapshot of 20,000 files p95', snapshot.p95, 50),
    milliseconds('pause p95', pause.p95, 10),
    milliseconds('resume p95', resume.p95, 25),
    milliseconds('fork x 10 of a 20,000-file tree, in all', forkTenMs, 150),
  ];
}

function baselineText(): string {
  return baselines
    .map(
      (baseline: Baseline) =>
        `${baseline.name} ${'why' in baseline ? `not measured (${baseline.why})` : `${tenth(baseline.p50Ms)} ms`}`,
    )
    .join(', ');
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
