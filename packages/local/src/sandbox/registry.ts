import type { Machine } from '../isolation/machine.js';
import type { LayerStore } from '../storage/layers.js';
import { ApiError, sandboxNotFound, startError } from './api-error.js';
import { capture } from './capture.js';
import { newToken } from './identity.js';
import { MachineSource, type StartedMachine } from './machine-source.js';
import { metricsTickMs, sampleMetrics } from './metrics.js';
import {
  noExtras,
  type RegistryExtras,
  type RegistryParts,
  type RegistrySettings,
  type SnapshotResult,
} from './registry-parts.js';
import { Sandbox } from './sandbox.js';
import type { SandboxSettings } from './settings.js';
import type { Template, TemplateStore } from './template-store.js';

/** At least this long lives a sandbox that a request woke up. */
const autoResumeSeconds = 300;

/** Every sandbox of a host and the only place where one begins, changes its phase, or ends. */
export class SandboxRegistry {
  private readonly sandboxes = new Map<string, Sandbox>();
  private closed = false;
  readonly templates: TemplateStore;
  private readonly machines: MachineSource;
  private readonly layers: LayerStore;
  private readonly settings: RegistrySettings;
  private readonly extras: RegistryExtras;
  private readonly sampler: NodeJS.Timeout;

  constructor({ factory, layers, templates, extras = noExtras }: RegistryParts, settings: RegistrySettings) {
    this.machines = new MachineSource(factory, layers);
    this.layers = layers;
    this.templates = templates;
    this.settings = settings;
    this.extras = extras;
    this.sampler = setInterval(() => {
      for (const sandbox of this.sandboxes.values()) {
        void sampleMetrics(sandbox).catch(() => {});
      }
    }, metricsTickMs);
    this.sampler.unref();
  }

  async create(settings: SandboxSettings, template: Template, timeoutSeconds: number): Promise<Sandbox> {
    if (timeoutSeconds > this.settings.maximumTimeoutSeconds) {
      const hours = this.settings.maximumTimeoutSeconds / 3600;
      throw new ApiError(400, `Timeout cannot be greater than ${hours} hours. Ask for less and extend it later.`);
    }
    const sandbox = await this.start(settings, template.layers, timeoutSeconds);
    // After the answer: nobody should wait for what is made for the next one.
    setImmediate(() => this.machines.prepare(template.layers));
    return sandbox;
  }

  find(id: string): Sandbox | undefined {
    return this.sandboxes.get(id);
  }

  get(id: string): Sandbox {
    const sandbox = this.sandboxes.get(id);
    if (!sandbox) {
      throw sandboxNotFound(id);
    }
    return sandbox;
  }

  list(): Sandbox[] {
    return [...this.sandboxes.values()];
  }

  setTimeout(id: string, timeoutSeconds: number): void {
    const sandbox = this.get(id);
    if (sandbox.phase.kind !== 'running') {
      throw sandboxNotFound(id);
    }
    this.arm(sandbox, Math.min(timeoutSeconds, this.settings.maximumTimeoutSeconds));
  }

  /** Resumes a paused sandbox; a running one keeps the later of both ends. */
  async connect(
    id: string,
    timeoutSeconds: number,
    keepMemory = true,
  ): Promise<{ sandbox: Sandbox; resumed: boolean }> {
    const sandbox = this.get(id);
    const resumed = await this.change(sandbox, async () => {
      if (sandbox.phase.kind === 'running') {
        if (Date.now() + timeoutSeconds * 1000 > sandbox.endAtMs) {
          this.arm(sandbox, Math.min(timeoutSeconds, this.settings.maximumTimeoutSeconds));
        }
        return false;
      }
      if (sandbox.phase.kind === 'paused' && !keepMemory) {
        await this.suspend(sandbox, sandbox.phase.machine, false);
      }
      await this.resume(sandbox, timeoutSeconds);
      return true;
    });
    return { sandbox, resumed };
  }

  /** The sandbox, running: woken first when it is paused and allows that. Undefined when it cannot be reached. */
  async reach(id: string): Promise<Sandbox | undefined> {
    const sandbox = this.sandboxes.get(id);
    if (!sandbox || sandbox.phase.kind === 'running') {
      return sandbox;
    }
    if (!sandbox.settings.lifecycle.autoResume) {
      return undefined;
    }
    await this.connect(id, Math.max(sandbox.timeoutSeconds, autoResumeSeconds));
    return sandbox;
  }

  async pause(id: string, keepMemory: boolean): Promise<void> {
    const sandbox = this.get(id);
    await this.change(sandbox, async () => {
      if (sandbox.phase.kind !== 'running') {
        throw new ApiError(409, `Sandbox "${id}" is paused already. Resume it with connect.`);
      }
      await this.suspend(sandbox, sandbox.phase.machine, keepMemory);
    });
  }

  async kill(id: string): Promise<void> {
    const sandbox = this.get(id);
    await this.end(sandbox);
  }

  /** The sandbox stands still while the files it has changed are copied, and goes on. */
  async snapshot(id: string, name: string | undefined): Promise<SnapshotResult> {
    const sandbox = this.get(id);
    return this.change(sandbox, async () => {
      const layers = await capture(sandbox, this.layers);
      const template = this.templates.add({
        names: name ? [name] : [],
        layers,
        envs: sandbox.settings.envs,
        start: sandbox.settings.start,
        defaults: sandbox.settings.defaults,
        sourceSandboxId: id,
        createdAtMs: Date.now(),
      });
      this.layers.release(layers);
      return { snapshotId: template.id, names: name ? [`${name}:default`] : [] };
    });
  }

  /** Each child gets its own answer: one that fails does not take the others with it. */
  async fork(id: string, count: number, timeoutSeconds: number): Promise<PromiseSettledResult<Sandbox>[]> {
    const source = this.get(id);
    return this.change(source, async () => {
      if (source.phase.kind !== 'running') {
        throw new ApiError(409, `Sandbox "${id}" is paused and cannot be forked. Resume it with connect first.`);
      }
      const layers = await capture(source, this.layers);
      const { settings } = source;
      const children = Array.from({ length: count }, () => this.start(settings, layers, timeoutSeconds));
      const results = await Promise.allSettled(children);
      this.layers.release(layers);
      return results;
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.sampler);
    await Promise.all([this.machines.close(), ...this.list().map((sandbox) => this.end(sandbox))]);
  }

  private async start(settings: SandboxSettings, layers: readonly string[], timeoutSeconds: number): Promise<Sandbox> {
    if (this.closed) {
      throw new ApiError(503, 'The host is closing. Start another one.');
    }
    this.layers.retain(layers);
    const traffic = settings.network?.allowPublicTraffic === false ? newToken() : undefined;
    const times = { startedAtMs: Date.now(), timeoutSeconds };
    let started: StartedMachine | undefined;
    let sandbox: Sandbox;
    try {
      started = await this.machines.create(layers, this.extras.volumesOf(settings));
      const identity = { id: started.id, envdAccessToken: newToken(), trafficAccessToken: traffic };
      sandbox = new Sandbox(identity, settings, this.settings.environment, layers, started.machine, times);
      await this.extras.prepare(sandbox, started.machine);
    } catch (error) {
      await started?.machine.kill();
      this.layers.release(layers);
      if (started) {
        this.layers.removeSandbox(started.id);
      }
      throw startError(error as Error);
    }
    this.sandboxes.set(started.id, sandbox);
    this.follow(sandbox, started.machine);
    this.arm(sandbox, timeoutSeconds);
    return sandbox;
  }

  /** A machine that ended by itself takes its sandbox with it; one that was stored or replaced does not. */
  private follow(sandbox: Sandbox, machine: Machine): void {
    void machine.ended.then(() => {
      const { phase } = sandbox;
      if ((phase.kind === 'running' || phase.kind === 'paused') && phase.machine === machine) {
        void this.end(sandbox);
      }
    });
  }

  private arm(sandbox: Sandbox, timeoutSeconds: number): void {
    clearTimeout(sandbox.timer);
    sandbox.endAtMs = Date.now() + timeoutSeconds * 1000;
    sandbox.timer = setTimeout(() => void this.expire(sandbox), timeoutSeconds * 1000);
    sandbox.timer.unref();
  }

  private async expire(sandbox: Sandbox): Promise<void> {
    const { onTimeout } = sandbox.settings.lifecycle;
    if (onTimeout.kind === 'kill') {
      await this.end(sandbox);
      return;
    }
    await this.pause(sandbox.id, onTimeout.keepMemory).catch(() => {});
  }

  private async suspend(sandbox: Sandbox, machine: Machine, keepMemory: boolean): Promise<void> {
    clearTimeout(sandbox.timer);
    const pausedAtMs = Date.now();
    if (keepMemory) {
      await machine.freeze();
      sandbox.phase = { kind: 'paused', machine, pausedAtMs };
    } else {
      sandbox.phase = { kind: 'stored', pausedAtMs };
      await machine.kill();
      sandbox.layers = [this.layers.seal(sandbox.id, machine.generation), ...sandbox.layers];
      this.layers.retain(sandbox.layers.slice(0, 1));
      this.layers.removeSandbox(sandbox.id);
      sandbox.processes.clear();
    }
    sandbox.endAtMs = pausedAtMs;
    sandbox.cutConnections();
  }

  private async resume(sandbox: Sandbox, timeoutSeconds: number): Promise<void> {
    const { phase } = sandbox;
    if (phase.kind === 'paused') {
      await phase.machine.thaw();
      sandbox.phase = { kind: 'running', machine: phase.machine };
    } else if (phase.kind === 'stored') {
      const volumes = this.extras.volumesOf(sandbox.settings);
      const machine = await this.machines.again(sandbox.id, sandbox.layers, volumes);
      await this.extras.prepare(sandbox, machine);
      sandbox.phase = { kind: 'running', machine };
      this.follow(sandbox, machine);
    } else {
      throw sandboxNotFound(sandbox.id);
    }
    sandbox.startedAtMs = Date.now();
    this.arm(sandbox, Math.min(timeoutSeconds, this.settings.maximumTimeoutSeconds));
  }

  /** Gone from the list at once; resolves when its processes are gone too. */
  private async end(sandbox: Sandbox): Promise<void> {
    if (!this.sandboxes.delete(sandbox.id)) {
      return;
    }
    clearTimeout(sandbox.timer);
    const { phase } = sandbox;
    sandbox.phase = { kind: 'ended' };
    // Clients are cut off before their commands end: that is how they learn that the sandbox is gone, not the command.
    sandbox.cutConnections();
    if (phase.kind === 'running' || phase.kind === 'paused') {
      await phase.machine.kill();
    }
    sandbox.processes.clear();
    this.layers.removeSandbox(sandbox.id);
    this.layers.release(sandbox.layers);
  }

  private change<Result>(sandbox: Sandbox, act: () => Promise<Result>): Promise<Result> {
    const result = sandbox.transition.then(act);
    sandbox.transition = result.catch(() => {});
    return result;
  }
}
