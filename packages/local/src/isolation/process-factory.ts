import type { Machine, MachineFactory, MachineSpec } from './machine.js';
export class ProcessFactory implements MachineFactory {
  readonly level = 'process';
  constructor(_d: string) {}
  create(_spec: MachineSpec): Promise<Machine> {
    return Promise.reject(new Error('later'));
  }
  async task(): Promise<void> {}
  async close(): Promise<void> {}
}
