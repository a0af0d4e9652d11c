import { existsSync } from 'node:fs';
import type { LocalHost } from '@pilotlight/local';
import type { Pilotlight, Runtime } from '@pilotlight/sdk';
import { Sandbox } from 'e2b';
import { pooled } from '../support/pools.js';
import { percentile, timed } from '../support/statistics.js';
import { client, type Group, type Measured } from './group.js';
import {
  folder,
  rust,
  rustBuild,
  rustFiles,
  typescript,
  typescriptBuild,
  typescriptFiles,
  typescriptInstall,
  typescriptKeptBuild,
} from './runtimes.js';

/** What a build costs without a warmed sandbox: files, dependencies and everything compiled for the first time. */
export async function coldBuild(host: LocalHost, files: Record<string, string>, command: string): Promise<number> {
  const { value, durationMs } = await timed(async () => {
    const sandbox = await Sandbox.create('base', { ...host.connectionOptions, timeoutMs: 900_000 });
    await sandbox.files.write(Object.entries(files).map(([path, data]) => ({ path, data })));
    await sandbox.commands.run(command, { cwd: folder, timeoutMs: 600_000 });
    return sandbox;
  });
  await value.kill();
  return durationMs;
}

/** Builds of a hot sandbox after a change to one file, in milliseconds. */
export async function changedBuilds(
  sandbox: Sandbox,
  rounds: number,
  change: (round: number) => { path: string; data: string },
  command: (round: number) => string,
): Promise<number[]> {
  const durationsMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { path, data } = change(round);
    await sandbox.files.write(path, data);
    durationsMs.push(
      (await timed(() => sandbox.commands.run(command(round), { cwd: folder, timeoutMs: 120_000 }))).durationMs,
    );
  }
  return durationsMs;
}

export async function claimHot(
  pilotlight: Pilotlight,
  runtime: Runtime,
): Promise<Awaited<ReturnType<Pilotlight['sandbox']>>> {
  await pooled(pilotlight, runtime.name, 'hot', 1);
  return pilotlight.sandbox(runtime.name, { lifeMs: 900_000 });
}

function buildValues(
  language: string,
  warmMs: readonly number[],
  coldMs: number,
  beside = '',
): Record<string, Measured> {
  const value = percentile(warmMs, 0.5);
  return {
    [`${language} build in a hot sandbox, p50`]: {
      value,
      baseline: `cold build, same run: ${Math.round(coldMs)} ms${beside}; n = ${warmMs.length}`,
    },
    [`${language} build, times faster than cold`]: { value: coldMs / value },
  };
}

const buildRows = (language: string): Group['wanted'] => [
  { name: `${language} build in a hot sandbox, p50`, unit: 'ms', op: '<=', target: 2_000 },
  { name: `${language} build, times faster than cold`, unit: 'x', op: '>=', target: 5 },
];

const typescriptChange = (round: number) => ({
  path: `${folder}/src/index.ts`,
  data: `export const answer: number = ${round + 100};\nexport { total_59 } from './module_59.js';\n`,
});

const firstCompileRow = 'time to first compile, from the claim of a hot sandbox';
const resolutionRow = 'cached dependency resolution, p50';

export const typescriptBuilds: Group = {
  name: 'typescript',
  wanted: [
    ...buildRows('TypeScript'),
    { name: firstCompileRow, unit: 'ms', op: '<=', target: 5_000 },
    { name: resolutionRow, unit: 'ms', op: '<=', target: 1_000 },
  ],
  measure: async (host, rounds) => {
    const coldMs = await coldBuild(host, typescriptFiles, `${typescriptInstall} && ${typescriptBuild}`);
    await using pilotlight = client(host, { ...typescript, pool: { ...typescript.pool, target: 1 } });
    await pooled(pilotlight, typescript.name, 'hot', 1);
    const first = await timed(async () => {
      const sandbox = await pilotlight.sandbox(typescript.name, { lifeMs: 900_000 });
      const { path, data } = typescriptChange(0);
      await sandbox.files.write(path, data);
      await sandbox.commands.run(typescriptBuild, { cwd: folder });
      return sandbox;
    });
    // The pool refills after a claim; what it does must not be measured.
    await pooled(pilotlight, typescript.name, 'hot', 1);
    const builds = Math.max(5, Math.ceil(rounds / 4));
    const keptMs = await changedBuilds(
      first.value,
      builds,
      (turn) => typescriptChange(turn + 1),
      (turn) => typescriptKeptBuild(`'answer = ${turn + 101};'`),
    );
    const freshMs = await changedBuilds(first.value, builds, typescriptChange, () => typescriptBuild);
    const resolvedMs = await changedBuilds(
      first.value,
      builds,
      typescriptChange,
      () => `${typescriptInstall} --prefer-offline`,
    );
    await first.value.kill();
    return {
      ...buildValues(
        'TypeScript',
        keptMs,
        coldMs,
        `, a compiler started anew, incremental: ${Math.round(percentile(freshMs, 0.5))} ms`,
      ),
      [firstCompileRow]: { value: first.durationMs },
      [resolutionRow]: { value: percentile(resolvedMs, 0.5), baseline: `n = ${builds}` },
    };
  },
};

export const rustBuilds: Group = {
  name: 'rust',
  wanted: buildRows('Rust'),
  missing: () =>
    existsSync('/usr/bin/cargo')
      ? undefined
      : 'no cargo under /usr, which is what a sandbox of the local host sees; install it with: apt-get install rustc cargo',
  measure: async (host, rounds) => {
    const coldMs = await coldBuild(host, rustFiles, rustBuild);
    await using pilotlight = client(host, rust);
    const sandbox = await claimHot(pilotlight, rust);
    await pooled(pilotlight, rust.name, 'hot', 1);
    const change = (round: number) => ({
      path: `${folder}/app/src/main.rs`,
      data: `fn main() { println!("{} ${round}", crate_7::total()); }\n`,
    });
    const warmMs = await changedBuilds(sandbox, Math.max(5, Math.ceil(rounds / 4)), change, () => rustBuild);
    await sandbox.kill();
    return buildValues('Rust', warmMs, coldMs);
  },
};
