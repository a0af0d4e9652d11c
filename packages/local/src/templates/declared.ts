import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { LocalHostError } from '../errors.js';
import type { ArchiveStore } from './archive-store.js';
import type { BuildOrder, BuildStep } from './build-request.js';
import type { Templates } from './open-templates.js';

const execute = promisify(execFile);
const fileName = 'template.json';

const step = z.union([
  z.strictObject({ run: z.string(), user: z.string().optional() }),
  z.strictObject({
    copy: z.string().regex(/^(?![/-])(?!.*(^|\/)\.\.(\/|$))/, 'a path within the directory'),
    to: z.string(),
    user: z.string().optional(),
    mode: z.string().optional(),
  }),
  z.strictObject({ env: z.record(z.string(), z.string()) }),
  z.strictObject({ workdir: z.string() }),
  z.strictObject({ user: z.string() }),
]);

const declaration = z.strictObject({
  from: z.string().default('base'),
  steps: z.array(step).default([]),
  startCommand: z.string().optional(),
  readyCommand: z.string().optional(),
});

/**
 * Builds every template that a directory declares: each of its directories with a `template.json` is one, with the
 * directory's name. They may stand on each other in the order of their names.
 *
 * @throws LocalHostError `invalid_option` that names the template and what is wrong with it.
 */
export async function buildDeclared({ service, archives }: Templates, directory: string): Promise<void> {
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (!entry.isDirectory() || !readdirSync(path).includes(fileName)) {
      continue;
    }
    try {
      const { family, build } = service.request(entry.name, []);
      await service.start(family.id, build.id, await orderOf(path, archives));
      const { reason } = service.status(family.id, build.id, 0);
      if (reason) {
        throw new Error(`step ${reason.step}: ${reason.message}`);
      }
    } catch (error) {
      const what = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      throw new LocalHostError(
        'invalid_option',
        `The template in ${path} cannot be built: ${what}. Correct ${fileName}.`,
        {
          cause: error,
        },
      );
    }
  }
}

async function orderOf(path: string, archives: ArchiveStore): Promise<BuildOrder> {
  const { from, steps, startCommand, readyCommand } = declaration.parse(
    JSON.parse(readFileSync(join(path, fileName), 'utf8')),
  );
  const planned: BuildStep[] = [];
  for (const item of steps) {
    planned.push(await stepOf(item, path, archives));
  }
  return { fromTemplate: from, steps: planned, startCmd: startCommand, readyCmd: readyCommand };
}

async function stepOf(item: z.output<typeof step>, path: string, archives: ArchiveStore): Promise<BuildStep> {
  if ('run' in item) {
    return { type: 'RUN', args: item.user ? [item.run, item.user] : [item.run] };
  }
  if ('copy' in item) {
    const filesHash = await archive(path, item.copy, archives);
    return { type: 'COPY', args: [item.copy, item.to, item.user ?? '', item.mode ?? ''], filesHash };
  }
  if ('env' in item) {
    return { type: 'ENV', args: Object.entries(item.env).flat() };
  }
  return 'workdir' in item ? { type: 'WORKDIR', args: [item.workdir] } : { type: 'USER', args: [item.user] };
}

/** Packs the files so that equal files give an equal hash, whoever owns them and whenever they were written. */
async function archive(path: string, source: string, archives: ArchiveStore): Promise<string> {
  const partial = archives.pathOf(createHash('sha256').update(`${path} ${source}`).digest('hex'));
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await execute('tar', ['-cf', partial, ...same, '-C', path, '--', source]);
  const filesHash = createHash('sha256').update(readFileSync(partial)).digest('hex');
  renameSync(partial, archives.pathOf(filesHash));
  return filesHash;
}
