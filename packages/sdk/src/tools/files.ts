import type { ToolArguments } from './definitions.js';
import { truncated } from './output.js';
import type { SandboxOfTools, ToolAnswer, ToolContext } from './toolbox.js';

const mostEntries = 500;

/** `read_file`, `write_file` and `list_files`. */
export function fileTools(sandbox: Promise<SandboxOfTools>) {
  return {
    async read_file(
      { path }: ToolArguments<'read_file'>,
      { longestOutputChars, signal }: ToolContext,
    ): Promise<ToolAnswer> {
      const content = await (await sandbox).files.read(path, withSignal(signal));
      return { content: truncated(content, longestOutputChars) };
    },

    async write_file({ path, content }: ToolArguments<'write_file'>, { signal }: ToolContext): Promise<ToolAnswer> {
      await (await sandbox).files.write(path, content, withSignal(signal));
      return { written: Buffer.byteLength(content, 'utf8') };
    },

    async list_files({ path }: ToolArguments<'list_files'>, { signal }: ToolContext): Promise<ToolAnswer> {
      const entries = await (await sandbox).files.list(path, withSignal(signal));
      return {
        entries: entries.slice(0, mostEntries).map(({ name, type, size }) => ({ name, type, size })),
        ...(entries.length > mostEntries ? { left_out: entries.length - mostEntries } : {}),
      };
    },
  };
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
