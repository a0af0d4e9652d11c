import type { Machine, MachineFactory, MachineVolume } from '../isolation/machine.js';
import type { LayerStore } from '../storage/layers.js';
import type { Sandbox } from './sandbox.js';
import type { SandboxSettings } from './settings.js';
import type { TemplateStore } from './template-store.js';

export interface RegistryParts {
  factory: MachineFactory;
  layers: LayerStore;
  templates: TemplateStore;
  extras?: RegistryExtras;
}

/** What other parts of the host have to do with a sandbox that begins without memory. */
export interface RegistryExtras {
  /** Throws ApiError for a volume that there is not. */
  volumesOf: (settings: SandboxSettings) => readonly MachineVolume[];
  /** Runs before the sandbox is shown to anybody; when it throws, there is no sandbox. */
  prepare: (sandbox: Sandbox, machine: Machine) => Promise<void>;
}

export const noExtras: RegistryExtras = { volumesOf: () => [], prepare: () => Promise.resolve() };

export interface RegistrySettings {
  /** Variables every command of every sandbox starts with. */
  environment: Readonly<Record<string, string>>;
  /** What `setTimeout` is silently cut to and `create` refuses to go above. */
  maximumTimeoutSeconds: number;
}

export interface SnapshotResult {
  snapshotId: string;
  names: string[];
}
