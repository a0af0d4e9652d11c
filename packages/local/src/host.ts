import { LocalHostError } from './errors.js';
import type { FaultControls, FaultGate } from './faults/fault-gate.js';
import { addFaults } from './faults/fault-hooks.js';
import { openGate } from './faults/open-gate.js';
import { InterpreterService, interpreterPort } from './interpreter/interpreter-service.js';
import { kernelOpener } from './interpreter/open-kernel.js';
import { openZygote, type PythonZygote } from './interpreter/python-zygote.js';
import type { IsolationLevel, Machine } from './isolation/machine.js';
import { type Isolation, openIsolation, type UserIds } from './isolation/open.js';
import { EgressProxy } from './network/egress-proxy.js';
import { type LocalHostOptions, parseOptions } from './options.js';
import { SandboxRegistry } from './sandbox/registry.js';
import type { Sandbox } from './sandbox/sandbox.js';
import { TemplateStore } from './sandbox/template-store.js';
import { type HostServer, openServer } from './server/server.js';
import { openInstanceDirectory, removeTree } from './storage/instance-directory.js';
import { LayerStore } from './storage/layers.js';
import { buildDeclared } from './templates/declared.js';
import { openTemplates, startTemplateProgram } from './templates/open-templates.js';
import { templateRoutes } from './templates/template-routes.js';
import { volumeRoutes } from './volumes/volume-routes.js';
import { VolumeService } from './volumes/volume-service.js';
import { VolumeStore } from './volumes/volume-store.js';

/** What to spread into a call of the `e2b` package, or into `new E2B(...)`. */
export interface ConnectionOptions {
  apiUrl: string;
  sandboxUrl: string;
  apiKey: string;
}

/** A running host. Ending the process ends it too; {@link LocalHost.close} does so in order. */
export interface LocalHost {
  readonly apiUrl: string;
  readonly sandboxUrl: string;
  readonly apiKey: string;
  /** The level in force, never more than what was proved at start. */
  readonly isolation: IsolationLevel;
  /** Why a better level is not in force; undefined when it is the best there is. */
  readonly isolationReason: string | undefined;
  /** Which user ids of the host sandboxes run under; `own` keeps them apart even where a namespace fails to. */
  readonly userIds: UserIds;
  readonly connectionOptions: ConnectionOptions;
  readonly faults: FaultControls;
  /** Kills every sandbox and removes its files; idempotent. */
  close(): Promise<void>;
}

/**
 * Starts an E2B-compatible host on 127.0.0.1.
 *
 * @example
 * ```ts
 * const host = await startLocalHost();
 * const sandbox = await Sandbox.create({ ...host.connectionOptions });
 * ```
 * @throws {@link LocalHostError} when an option is wrong, the port is taken, the state directory cannot be used, or the
 * isolation level asked for cannot be had here.
 */
export async function startLocalHost(options: LocalHostOptions = {}): Promise<LocalHost> {
  const settings = parseOptions(options);
  const instanceDirectory = openInstanceDirectory(settings.stateDirectory);
  let isolation: Isolation | undefined;
  let server: HostServer | undefined;
  let registry: SandboxRegistry | undefined;
  let gate: FaultGate | undefined;
  let zygote: PythonZygote | undefined;
  let interpreter: InterpreterService | undefined;
  let volumes: VolumeService | undefined;
  const closeAll = async () => {
    gate?.close();
    await server?.close();
    await registry?.close();
    await Promise.all([zygote?.close(), volumes?.close()]);
    await isolation?.factory.close();
    removeTree(instanceDirectory);
  };
  try {
    const egress = new EgressProxy((id) => registry?.find(id));
    const opened = await openIsolation(settings, instanceDirectory, egress);
    isolation = opened;
    const layers = new LayerStore(instanceDirectory, opened.factory);
    const templates = new TemplateStore(layers);
    for (const name of ['base', 'code-interpreter-v1']) {
      templates.add({ id: name, names: [name], layers: ['base'], envs: {}, createdAtMs: Date.now() });
    }
    const store = new VolumeStore(instanceDirectory, opened.sandboxUserId);
    volumes = new VolumeService(store, opened.factory);
    const volumeService = volumes;
    const prepare = (sandbox: Sandbox, machine: Machine) => {
      if (zygote && opened.factory.level !== 'process' && sandbox.settings.alias === 'code-interpreter-v1') {
        // After the answer, which does not wait for it.
        setImmediate(() => interpreter?.begin(sandbox));
      }
      return startTemplateProgram(sandbox, machine);
    };
    registry = new SandboxRegistry(
      {
        factory: opened.factory,
        layers,
        templates,
        extras: { volumesOf: (asked) => volumeService.mountsOf(asked), prepare },
      },
      { environment: opened.environment, maximumTimeoutSeconds: settings.maximumTimeoutSeconds },
    );
    gate = openGate(registry, settings);
    const faults = gate;
    const builds = openTemplates(
      { factory: opened.factory, layers, templates, environment: opened.environment, images: settings.images },
      instanceDirectory,
    );
    if (settings.templatesDirectory !== undefined) {
      await buildDeclared(builds, settings.templatesDirectory);
    }
    zygote = openZygote(instanceDirectory, settings.preloadPython);
    const openKernel = kernelOpener(opened.factory.level, instanceDirectory, zygote);
    interpreter = new InterpreterService(openKernel);
    server = await openServer(registry, settings, [
      { control: (control) => addFaults(control, faults) },
      { control: (control) => templateRoutes(control, builds.service, builds.archives) },
      { control: (control) => volumeRoutes(control, volumeService) },
      { ports: [{ port: interpreterPort, service: interpreter }] },
    ]);
    return describeHost(server.url, settings.apiKey, opened, faults, once(closeAll));
  } catch (error) {
    await closeAll();
    throw error instanceof LocalHostError ? error : startError(error);
  }
}

function describeHost(
  url: string,
  apiKey: string,
  isolation: Isolation,
  faults: FaultControls,
  close: () => Promise<void>,
): LocalHost {
  return {
    apiUrl: url,
    sandboxUrl: url,
    apiKey,
    isolation: isolation.factory.level,
    isolationReason: isolation.reason,
    userIds: isolation.userIds,
    connectionOptions: { apiUrl: url, sandboxUrl: url, apiKey },
    faults,
    close,
  };
}

function startError(error: unknown): LocalHostError {
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return new LocalHostError('port_in_use', 'The port is taken. Give another one, or 0 for a free one.', {
      cause: error,
    });
  }
  return new LocalHostError('state_unusable', `The host could not be started: ${(error as Error).message}`, {
    cause: error,
  });
}

function once(act: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= act();
    return running;
  };
}
