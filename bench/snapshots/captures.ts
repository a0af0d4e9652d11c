import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore, type Store } from '@pilotlight/snapshots';
import { type BenchRow, row } from '../support/report.js';
import { isInstalled, type OtherTool, otherTools, settle, shell, versionOf } from './others.js';
import { median, timed } from './timing.js';

interface Times {
  first: number;
  again: number;
}

interface Contestant {
  name: string;
  flushes: boolean;
  /** One capture into a new place, and another one when nothing changed. */
  turn(place: string): Promise<Times>;
}

const rounds = 3;
const ours = 'ours';
const oursFlushed = 'ours, flushed to disk';

/** What was measured, and the last store with the snapshot in it. The caller closes the store. */
export interface CaptureFigures {
  rows: BenchRow[];
  contestants: Record<string, string>;
  store: Store;
  storeDirectory: string;
  snapshotId: string;
}

/**
 * Captures of the whole tree by everybody in turn, each time into a new place, in one order and then in the other. Medians
 * count.
 */
export async function measureCaptures(tree: string, base: string): Promise<CaptureFigures> {
  await startFromSource(base);
  let last = { storeDirectory: '', snapshotId: '' };
  const own = (name: string, flushToDisk: boolean): Contestant => ({
    name,
    flushes: flushToDisk,
    turn: async (place) => {
      const storeDirectory = join(place, 'store');
      const store = await openStore({ directory: storeDirectory, flushToDisk });
      let snapshotId = '';
      const first = await timed(async () => {
        snapshotId = (await store.capture(tree)).snapshot.id;
      });
      const again = await timed(() => store.capture(tree));
      await store.close();
      last = { storeDirectory, snapshotId };
      return { first, again };
    },
  });
  const installed = otherTools.filter(({ programs }) => programs.every(isInstalled));
  const contestants = [own(ours, false), ...installed.map((tool) => other(tool, tree)), own(oursFlushed, true)];
  const times = new Map<string, Times[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const { name, turn } of order) {
      const place = join(base, `${name.replaceAll(/[^a-z]+/g, '-')}-${round}`);
      mkdirSync(place);
      await settle(tree);
      times.get(name)!.push(await turn(place));
    }
  }
  const figures = new Map([...times].map(([name, turns]) => [name, medians(turns)]));
  const store = await openStore({ directory: last.storeDirectory });
  return { rows: captureRows(figures, installed), contestants: describeContestants(), store, ...last };
}

/** A checkout compiles the code of its threads when they are first used; an installed package has it as a file. */
async function startFromSource(base: string): Promise<void> {
  const small = join(base, 'small');
  mkdirSync(small);
  writeFileSync(join(small, 'file'), 'content');
  const store = await openStore({ directory: join(base, 'store-small') });
  await store.capture(small);
  await store.close();
}

function other(tool: OtherTool, tree: string): Contestant {
  return {
    name: tool.name,
    flushes: tool.flushes,
    turn: async (place) => {
      if (tool.prepare) await shell(tool.prepare(place), place);
      const first = await shell(tool.capture(tree, place), place);
      return { first, again: await shell(tool.again(tree, place), place) };
    },
  };
}

function medians(turns: readonly Times[]): Times {
  return { first: median(turns.map(({ first }) => first)), again: median(turns.map(({ again }) => again)) };
}

function captureRows(figures: ReadonlyMap<string, Times>, installed: readonly OtherTool[]): BenchRow[] {
  const list = (tools: readonly OtherTool[], pick: (times: Times) => number) =>
    tools.map(({ name }) => `${name} ${Math.round(pick(figures.get(name)!))} ms`).join(', ');
  const best = (tools: readonly OtherTool[], pick: (times: Times) => number) =>
    Math.min(...tools.map(({ name }) => pick(figures.get(name)!)));
  const flushing = installed.filter(({ flushes }) => flushes);
  const first = ({ first: ms }: Times) => ms;
  const again = ({ again: ms }: Times) => ms;
  return [
    row({
      name: 'first capture of 20,000 files, against the fastest of the others',
      measured: figures.get(ours)!.first,
      unit: 'ms',
      op: '<=',
      target: best(installed, first),
      baseline: list(installed, first),
    }),
    row({
      name: 'the same when it waits for the disk, against those that do',
      measured: figures.get(oursFlushed)!.first,
      unit: 'ms',
      op: '<=',
      target: best(flushing, first),
      baseline: list(flushing, first),
    }),
    row({
      name: 'unchanged re-capture, times faster than the best of the others',
      measured: best(installed, again) / figures.get(ours)!.again,
      unit: 'x',
      op: '>=',
      target: 5,
      baseline: `ours ${Math.round(figures.get(ours)!.again)} ms; ${list(installed, again)}`,
    }),
  ];
}

/** Version and flags of everybody, as they were run. */
function describeContestants(): Record<string, string> {
  return Object.fromEntries(
    otherTools.map((tool) => {
      if (!tool.programs.every(isInstalled)) return [tool.name, 'not installed'];
      return [tool.name, `${versionOf(tool.version)}: ${tool.capture('TREE', 'PLACE')}`];
    }),
  );
}
