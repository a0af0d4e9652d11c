import { join } from 'node:path';
import type { Machine, MachineFactory } from '../isolation/machine.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { TemplateStore } from '../sandbox/template-store.js';
import type { LayerStore } from '../storage/layers.js';
import { ArchiveStore } from './archive-store.js';
import { TemplateBuilder } from './builder.js';
import { LayerCache } from './layer-cache.js';
import { runStartCommand } from './start-command.js';
import { TemplateService } from './template-service.js';

export interface TemplateParts {
  factory: MachineFactory;
  layers: LayerStore;
  templates: TemplateStore;
  environment: Readonly<Record<string, string>>;
  images: Readonly<Record<string, string>>;
}

/** How long a sandbox may take from its start to its template's program being ready. */
const readyTimeoutMs = 60_000;

export interface Templates {
  service: TemplateService;
  archives: ArchiveStore;
}

export function openTemplates(parts: TemplateParts, instanceDirectory: string): Templates {
  const archives = new ArchiveStore(join(instanceDirectory, 'uploads'));
  const builder = new TemplateBuilder({
    factory: parts.factory,
    layers: parts.layers,
    environment: parts.environment,
    cache: new LayerCache(parts.layers),
    archiveOf: (filesHash) => archives.find(filesHash),
  });
  return { service: new TemplateService(parts.templates, builder, parts.images, () => Date.now()), archives };
}

/** Brings up what the sandbox's template starts, before the sandbox is given to anybody. */
export async function startTemplateProgram(sandbox: Sandbox, machine: Machine): Promise<void> {
  const { start } = sandbox.settings;
  if (start) {
    await runStartCommand(machine, start, { envs: sandbox.environment, timeoutMs: readyTimeoutMs });
  }
}
