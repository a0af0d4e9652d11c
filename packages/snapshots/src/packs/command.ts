import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { isSnapshotError, SnapshotError } from '../errors.js';
import { buildPack, type LayerSpec } from './build.js';
import { diffPacks } from './diff.js';
import { inspectPack } from './inspect.js';
import { verifyPack } from './verify.js';

const usage = `Usage: pilotlight-pack <command> [--json]

  build <description.json>   build the pack that the file describes
  inspect <pack>             what a pack says about itself
  verify <pack>              read and hash every layer; exit code 1 when one is not sound
  diff <pack> <pack>         what changed from the first to the second`;

const layerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('directory'), name: z.string(), source: z.string(), target: z.string() }),
  z.strictObject({
    kind: z.literal('dependencies'),
    name: z.string(),
    lockFile: z.string(),
    target: z.string(),
    /** Shell command, run in an empty directory that holds the lock file and `files`. */
    install: z.string(),
    files: z.array(z.string()).default([]),
  }),
]);

const descriptionSchema = z.strictObject({ name: z.string(), output: z.string(), layers: z.array(layerSchema).min(1) });

/** Where a command writes to. */
export interface CommandOutput {
  print(text: string): void;
  printError(text: string): void;
}

/** Carries out `pilotlight-pack`. @returns the exit code */
export async function runPackCommand(commandLine: readonly string[], output: CommandOutput): Promise<number> {
  try {
    const { positionals, values } = parseArgs({
      args: [...commandLine],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [command, first, second] = positionals;
    if (command === undefined || first === undefined || (command === 'diff' && second === undefined)) {
      output.printError(usage);
      return 2;
    }
    const { result, lines, exitCode } = await carryOut(command, first, second ?? '');
    output.print(values.json ? JSON.stringify(result) : lines.join('\n'));
    return exitCode;
  } catch (error) {
    if (!isSnapshotError(error) && (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true)
      throw error;
    output.printError((error as Error).message);
    return 2;
  }
}

async function carryOut(
  command: string,
  first: string,
  second: string,
): Promise<{ result: unknown; lines: string[]; exitCode: number }> {
  switch (command) {
    case 'build': {
      const built = await buildPack(await readDescription(first));
      const lines = built.meta.layers.map(
        (layer) =>
          `${layer.name}  ${layer.fileBytes} bytes  ${built.reused.includes(layer.name) ? 'unchanged' : 'built'}`,
      );
      const scrubbed = built.scrubbed.map(({ path, action }) => `${action}: ${path}`);
      return { result: built, lines: [built.key, ...lines, ...scrubbed], exitCode: 0 };
    }
    case 'inspect': {
      const inspected = await inspectPack(first);
      const lines = inspected.meta.layers.map((layer) => `${layer.name}  /${layer.target}  ${layer.fileBytes} bytes`);
      return { result: inspected, lines: [inspected.meta.key, ...lines], exitCode: 0 };
    }
    case 'verify': {
      const verified = await verifyPack(first);
      const lines = verified.layers.map(({ name, problem }) => `${name}  ${problem ?? 'sound'}`);
      return { result: verified, lines: [verified.key, ...lines], exitCode: verified.sound ? 0 : 1 };
    }
    case 'diff': {
      const diff = await diffPacks(first, second);
      const layers = diff.layers.map(({ name, change }) => `${name}  ${change}`);
      const packages = diff.packages.map(({ name, before, after }) => `${name}  ${before ?? '-'} -> ${after ?? '-'}`);
      return { result: diff, lines: [...layers, ...packages, `${diff.bytesToMove} bytes to move`], exitCode: 0 };
    }
    default:
      throw new SnapshotError('invalid_option', `There is no command ${JSON.stringify(command)}.\n${usage}`);
  }
}

/** Paths in a description are relative to it. */
async function readDescription(path: string): Promise<{ name: string; output: string; layers: LayerSpec[] }> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SnapshotError('invalid_option', `${path} cannot be read. Give the path of a description.`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SnapshotError('invalid_option', `${path} is not JSON. Correct it.`, { cause });
  }
  const parsed = descriptionSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new SnapshotError('invalid_option', `${path}: "${issue.path.join('.')}" ${issue.message}. Correct it.`);
  }
  const at = (name: string) => resolve(dirname(path), name);
  const layers = parsed.data.layers.map((layer): LayerSpec => {
    if (layer.kind === 'directory') return { ...layer, source: at(layer.source) };
    const { files, install, ...rest } = layer;
    const lockFile = at(layer.lockFile);
    return {
      ...rest,
      lockFile,
      install: ({ directory }) => runInstall(directory, install, [lockFile, ...files.map(at)]),
    };
  });
  return { name: parsed.data.name, output: at(parsed.data.output), layers };
}

async function runInstall(directory: string, command: string, files: readonly string[]): Promise<void> {
  for (const file of files) await copyFile(file, join(directory, basename(file)));
  await promisify(execFile)('sh', ['-c', command], { cwd: directory, maxBuffer: 64 * 1024 * 1024 }).catch(
    (cause: unknown) => {
      const { stderr } = cause as { stderr?: string };
      throw new SnapshotError(
        'pack_invalid',
        `The install command failed: ${command}\n${(stderr ?? '').trim().slice(-1000)}\nRun it by hand to see why.`,
        { cause },
      );
    },
  );
}
