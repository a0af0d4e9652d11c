import { randomBytes } from 'node:crypto';
import { SnapshotError } from '../errors.js';
import { displayPath, type FilePath, joinPath } from '../paths.js';
import { Scrubber, type ScrubReport, type ScrubRules } from '../scrub/scrubber.js';
import { parsePaths, pathsScript } from './listing.js';
import { expectScript, fileOptions, quote, type SandboxAccess, type WorkspaceSandbox, writeBytes } from './sandbox.js';

/**
 * Removes and blanks secrets in a sandbox itself, before a provider snapshot freezes all of its disk. What processes hold
 * in memory cannot be scrubbed: start them after the capture.
 *
 * @throws {@link SnapshotError} `sandbox_failed`; capture nothing then
 */
export async function scrubSandbox(
  sandbox: WorkspaceSandbox,
  directories: readonly string[],
  options: SandboxAccess & { scrub?: ScrubRules } = {},
): Promise<ScrubReport[]> {
  const report: ScrubReport[] = [];
  for (const directory of directories) {
    const scrubber = new Scrubber(options.scrub);
    const removed: FilePath[] = [];
    for (const { names, kind } of await listPaths(sandbox, directory, options)) {
      const path = names.reduce<FilePath>((parent, name) => joinPath(parent, name), '');
      if (removed.some((above) => displayPath(path).startsWith(`${displayPath(above)}/`))) continue;
      if (!scrubber.keep(path, kind)) removed.push(path);
      else if (kind === 'file' && typeof path === 'string' && scrubber.redacts(path)) {
        const full = `${directory}/${path}`;
        const content = Buffer.from(await sandbox.files.read(full, { format: 'bytes', ...fileOptions(options) }));
        const kept = scrubber.redact(path, content);
        if (kept !== content) await writeBytes(sandbox, full, kept, options);
      }
    }
    const lines = removed.map((path) => `rm -rf -- ${quote(`./${displayPath(path)}`)}`);
    if (lines.length > 0) {
      await expectScript(
        sandbox,
        [`cd -- ${quote(directory)}`, ...lines].join(' &&\n'),
        options,
        `Scrubbing ${directory}`,
      );
    }
    report.push(...scrubber.report().map((entry) => ({ ...entry, path: `${directory}/${entry.path}` })));
  }
  return report;
}

async function listPaths(sandbox: WorkspaceSandbox, directory: string, options: SandboxAccess) {
  const output = `/tmp/.pilotlight-${randomBytes(8).toString('hex')}`;
  await expectScript(sandbox, pathsScript(directory, output), options, `Listing ${directory}`);
  const bytes = await sandbox.files.read(output, { format: 'bytes', ...fileOptions(options) });
  await expectScript(sandbox, `rm -f ${quote(output)}`, options, 'Removing a list');
  const paths = parsePaths(bytes);
  if (paths === undefined) {
    throw new SnapshotError(
      'sandbox_failed',
      `The list of ${directory} is not whole. Try again before anything is captured.`,
    );
  }
  return paths;
}
