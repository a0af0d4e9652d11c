import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const program = fileURLToPath(new URL('part.ts', import.meta.url));

/**
 * Runs parts of the benchmark in processes of their own, as many at once as there are processors, in the order asked for.
 * With a folder, answers are kept there and those found are taken: a run that was ended goes on. That is only good for one
 * state of the code.
 */
export class Work {
  private readonly folder: string | undefined;
  private readonly waiting: (() => void)[] = [];
  private readonly parts = new Map<string, Promise<unknown>>();
  private free = availableParallelism();

  constructor(folder: string | undefined) {
    this.folder = folder;
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
  }

  /** Asked for twice, a part is run once. */
  part<Answer>(name: string, trace: string, lead: number): Promise<Answer> {
    const id = `${name}-${trace}-${lead}`;
    const part = this.parts.get(id) ?? this.run<Answer>(name, trace, lead);
    this.parts.set(id, part);
    return part as Promise<Answer>;
  }

  private async run<Answer>(name: string, trace: string, lead: number): Promise<Answer> {
    const kept = this.folder === undefined ? undefined : join(this.folder, `${name}-${trace}-${lead}.json`);
    if (kept !== undefined && existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Answer;
    if (this.free > 0) this.free--;
    else await new Promise<void>((go) => this.waiting.push(go));
    const started = Date.now();
    try {
      const options = [...process.execArgv, program, '--part', name, '--trace', trace, '--lead', String(lead)];
      const { stdout } = await execute(process.execPath, options, { maxBuffer: 1 << 26 });
      if (kept !== undefined) writeFileSync(kept, stdout);
      console.error(`${name} ${trace} ${lead} s: ${((Date.now() - started) / 1000).toFixed(0)} s`);
      return JSON.parse(stdout) as Answer;
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}
