import { statfs } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import type { Sandbox } from './sandbox.js';

/** One point of a sandbox's metrics, in the words of E2B's API. */
export interface MetricsPoint {
  timestamp: string;
  timestampUnix: number;
  cpuCount: number;
  cpuUsedPct: number;
  memUsed: number;
  memTotal: number;
  memCache: number;
  diskUsed: number;
  diskTotal: number;
}

const cpuCount = cpus().length;
const ticksPerSecond = 100;
const keptPoints = 720;
/** E2B's bucket. */
const metricsIntervalMs = 5_000;
/** How often it is looked whose turn it is: sandboxes that began at different times are not all asked at once. */
export const metricsTickMs = 250;

/** Points of one sandbox, oldest first. Taken every five seconds, and the first when somebody asks. */
export class MetricsSeries {
  private readonly points: MetricsPoint[] = [];
  private last: { atMs: number; cpuTicks: number } | undefined;

  isDue(nowMs: number): boolean {
    return this.last === undefined || nowMs - this.last.atMs >= metricsIntervalMs;
  }

  add(usage: { memoryBytes: number; cpuTicks: number }, disk: { used: number; total: number }, nowMs: number): void {
    const { last } = this;
    const seconds = last ? (nowMs - last.atMs) / 1000 : 0;
    const used = last && seconds > 0 ? Math.max(usage.cpuTicks - last.cpuTicks, 0) / ticksPerSecond / seconds : 0;
    this.last = { atMs: nowMs, cpuTicks: usage.cpuTicks };
    this.points.push({
      timestamp: new Date(nowMs).toISOString(),
      timestampUnix: Math.floor(nowMs / 1000),
      cpuCount,
      cpuUsedPct: Math.round((used / cpuCount) * 10_000) / 100,
      memUsed: usage.memoryBytes,
      memTotal: totalmem(),
      memCache: 0,
      diskUsed: disk.used,
      diskTotal: disk.total,
    });
    this.points.splice(0, this.points.length - keptPoints);
  }

  /** Both ends in Unix seconds, inclusive. */
  between(startSeconds = 0, endSeconds = Number.POSITIVE_INFINITY): MetricsPoint[] {
    return this.points.filter(({ timestampUnix }) => timestampUnix >= startSeconds && timestampUnix <= endSeconds);
  }
}

/** Adds a point when one is due and the sandbox runs. */
export async function sampleMetrics(sandbox: Sandbox): Promise<void> {
  if (sandbox.phase.kind !== 'running' || !sandbox.metrics.isDue(Date.now())) {
    return;
  }
  const [usage, disk] = await Promise.all([sandbox.phase.machine.usage(), statfs(tmpdir())]);
  const total = disk.blocks * disk.bsize;
  sandbox.metrics.add(usage, { used: total - disk.bfree * disk.bsize, total }, Date.now());
}
