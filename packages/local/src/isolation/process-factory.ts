import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rememberProcess } from '../storage/instance-directory.js';
import { type IsolationLevel, type Machine, MachineError, type MachineFactory, type MachineSpec } from './machine.js';
import { ProcessMachine } from './process-machine.js';

const execute = promisify(execFile);

/**
 * Sandboxes that are nothing but a directory and child processes: for machines without namespaces. A layer is a full
 * copy here, so a machine is made from the top one alone.
 */
export class ProcessFactory implements MachineFactory {
  readonly level: IsolationLevel = 'process';
  private readonly machines = new Set<ProcessMachine>();
  private readonly instanceDirectory: string;

  constructor(instanceDirectory: string) {
    this.instanceDirectory = instanceDirectory;
    const base = join(instanceDirectory, 'layers', 'base');
    for (const path of ['root/home/user', 'root/root', 'root/tmp', 'local']) {
      mkdirSync(join(base, path), { recursive: true });
    }
  }

  async create(spec: MachineSpec): Promise<Machine> {
    const directory = join(this.instanceDirectory, 'sandboxes', spec.id, 'g0');
    const layer = join(this.instanceDirectory, 'layers', spec.layers[0] ?? 'base');
    await cp(layer, directory, { recursive: true, verbatimSymlinks: true });
    const machine = new ProcessMachine(join(directory, 'root'), (pid) => rememberProcess(this.instanceDirectory, pid));
    this.machines.add(machine);
    void machine.ended.then(() => this.machines.delete(machine));
    return machine;
  }

  hurry(_id: string): void {}

  async task([program = '', ...list]: readonly string[]): Promise<void> {
    // `--reflink` is GNU's; elsewhere a copy is a copy.
    const portable = process.platform === 'linux' ? list : list.filter((item) => !item.startsWith('--reflink'));
    try {
      await execute(program, portable);
    } catch (error) {
      throw new MachineError('resources', `a task on the sandbox's files failed: ${(error as Error).message}`);
    }
  }

  /** A layer is a full copy here, so the top one says it all. */
  async merge(target: string, _base: string, [top = '']: readonly string[]): Promise<void> {
    await cp(top, target, { recursive: true, verbatimSymlinks: true });
  }

  async close(): Promise<void> {
    await Promise.all([...this.machines].map((machine) => machine.kill()));
  }
}
