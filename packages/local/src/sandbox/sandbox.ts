import type { Socket } from 'node:net';
import { ProcessTable } from '../envd/process-table.js';
import type { Machine } from '../isolation/machine.js';
import { MetricsSeries } from './metrics.js';
import type { SandboxSettings } from './settings.js';

/**
 * What a sandbox is doing. `paused` keeps its processes standing still in memory; `stored` has none, only files, and
 * starts anew.
 */
export type SandboxPhase =
  | { kind: 'running'; machine: Machine }
  | { kind: 'paused'; machine: Machine; pausedAtMs: number }
  | { kind: 'stored'; pausedAtMs: number }
  | { kind: 'ended' };

export interface SandboxIdentity {
  id: string;
  envdAccessToken: string;
  trafficAccessToken: string | undefined;
}

/** One sandbox as its registry knows it. Only the registry changes phase, layers and times. */
export class Sandbox {
  readonly id: string;
  readonly envdAccessToken: string;
  readonly trafficAccessToken: string | undefined;
  settings: SandboxSettings;
  phase: SandboxPhase;
  /** Sealed layers below the sandbox's own files, top first. */
  layers: readonly string[];
  startedAtMs: number;
  endAtMs: number;
  /** What a resume by request gives at least. */
  timeoutSeconds: number;
  timer: NodeJS.Timeout | undefined;
  readonly metrics = new MetricsSeries();
  readonly processes: ProcessTable;
  /** Variables every command starts with; a command's own win. */
  readonly environment: Readonly<Record<string, string>>;
  /** Client connections with a request to this sandbox under way; cut when it ends. */
  readonly connections = new Set<Socket>();
  /** The tail of its changes of phase: they happen one after another. */
  transition: Promise<unknown> = Promise.resolve();

  constructor(
    identity: SandboxIdentity,
    settings: SandboxSettings,
    hostEnvironment: Readonly<Record<string, string>>,
    layers: readonly string[],
    machine: Machine,
    times: { startedAtMs: number; timeoutSeconds: number },
  ) {
    this.id = identity.id;
    this.envdAccessToken = identity.envdAccessToken;
    this.trafficAccessToken = identity.trafficAccessToken;
    this.settings = settings;
    this.layers = layers;
    this.phase = { kind: 'running', machine };
    this.startedAtMs = times.startedAtMs;
    this.timeoutSeconds = times.timeoutSeconds;
    this.endAtMs = times.startedAtMs + times.timeoutSeconds * 1000;
    this.environment = {
      ...hostEnvironment,
      E2B_SANDBOX: 'true',
      E2B_SANDBOX_ID: identity.id,
      E2B_TEMPLATE_ID: settings.templateId,
      ...settings.envs,
    };
    this.processes = new ProcessTable();
  }

  /** `stored` is paused to the outside: the SDKs know two states. */
  get state(): 'running' | 'paused' {
    return this.phase.kind === 'running' ? 'running' : 'paused';
  }

  /** Cuts every client off: connections do not outlive a pause or the end. */
  cutConnections(): void {
    for (const connection of this.connections) {
      connection.destroy();
    }
    this.connections.clear();
  }
}
