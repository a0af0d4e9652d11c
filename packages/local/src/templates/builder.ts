import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { FileError, type Machine, MachineError, type MachineFactory } from '../isolation/machine.js';
import type { StartCommand } from '../sandbox/settings.js';
import type { Template } from '../sandbox/template-store.js';
import type { LayerStore } from '../storage/layers.js';
import type { BuildLog } from './build-log.js';
import { copyScript } from './copy-script.js';
import type { LayerCache } from './layer-cache.js';
import { type PlannedStep, type Recipe, RecipeError } from './recipe.js';
import { loginShell, runCommand } from './run-command.js';
import { runStartCommand } from './start-command.js';

export interface BuilderParts {
  factory: MachineFactory;
  layers: LayerStore;
  cache: LayerCache;
  /** Where the archive of this hash was uploaded to; undefined when it was not. */
  archiveOf: (filesHash: string) => string | undefined;
  environment: Readonly<Record<string, string>>;
}

const readyTimeoutMs = 300_000;
const archivePath = '/tmp/.pilotlight-copy';

/** Carries recipes out. Each step that changes files runs in a machine of its own and leaves one layer. */
export class TemplateBuilder {
  private readonly parts: BuilderParts;

  constructor(parts: BuilderParts) {
    this.parts = parts;
  }

  /** The layers of the finished template, top first. @throws RecipeError naming the step that failed */
  async build(recipe: Recipe, base: Template, log: BuildLog): Promise<readonly string[]> {
    let layers = base.layers;
    for (const step of recipe.steps) {
      const name = String(step.number);
      if (step.action.kind === 'none') {
        log.write('info', name, step.label);
        continue;
      }
      const below = layers;
      const { layer, isNew } = await this.parts.cache.get(step.digest, step.isForced, () =>
        this.withMachine(name, below, async (machine) => {
          log.write('info', name, step.label);
          await this.carryOut(machine, step, log);
          return true;
        }),
      );
      if (!isNew) {
        log.write('info', name, `CACHED ${step.label}`);
      }
      layers = [layer, ...layers];
    }
    if (recipe.start) {
      await this.tryStart(recipe.start, layers, log);
    }
    return layers;
  }

  /** A template whose program does not become ready is no template. What the trial writes is thrown away. */
  private async tryStart(start: StartCommand, layers: readonly string[], log: BuildLog): Promise<void> {
    await this.withMachine('finalize', layers, async (machine) => {
      log.write('info', 'finalize', `Starting: ${start.command ?? '(no start command)'}`);
      const onText = (text: string) => log.write('info', 'finalize', text);
      const { environment: envs } = this.parts;
      await runStartCommand(machine, start, { envs, timeoutMs: readyTimeoutMs, onText });
      log.write('info', 'finalize', 'Ready');
      return false;
    });
  }

  private async carryOut(machine: Machine, { action, context, number }: PlannedStep, log: BuildLog): Promise<void> {
    const step = String(number);
    const envs = { ...this.parts.environment, ...context.envs };
    switch (action.kind) {
      case 'run':
        return this.run(machine, step, log, {
          arguments: loginShell(action.command),
          user: context.user,
          cwd: context.workdir,
          envs,
        }).catch((error: Error) => {
          throw new Error(`failed to run command '${action.command}': ${error.message}`, { cause: error });
        });
      case 'directory': {
        if (await makesDirectory(machine, context.user, action.path)) {
          return;
        }
        const script = 'mkdir -p -- "$1" && { chown -- "$2:" "$1" 2>/dev/null || true; }';
        const list = ['/bin/sh', '-c', script, 'sh', action.path, context.user];
        return this.run(machine, step, log, { arguments: list, user: 'root', cwd: '/', envs });
      }
      case 'copy': {
        if (this.parts.factory.level === 'process') {
          throw new Error('COPY needs isolation level "namespaces"; this host runs at "process"');
        }
        const archive = this.parts.archiveOf(action.filesHash);
        if (archive === undefined) {
          throw new Error(`the files of COPY ${action.source} were not uploaded`);
        }
        await machine.files.write('root', archivePath, createReadStream(archive), {});
        const { source, destination, owner, mode } = action;
        const list = ['/bin/bash', '-c', copyScript, 'bash', archivePath, source, destination, owner, mode];
        return this.run(machine, step, log, { arguments: list, user: 'root', cwd: '/', envs });
      }
      case 'none':
        return;
      default:
        return action satisfies never;
    }
  }

  private async run(
    machine: Machine,
    step: string,
    log: BuildLog,
    request: Parameters<typeof runCommand>[1],
  ): Promise<void> {
    const { exitCode } = await runCommand(machine, request, (text) => log.write('info', step, text)).catch((error) => {
      const isUser = error instanceof MachineError && error.code === 'user';
      throw isUser ? new Error(`command failed: unauthenticated: invalid username: '${request.user}'`) : error;
    });
    if (exitCode !== 0) {
      throw new Error(exitCode === undefined ? 'the command was killed' : `exit status ${exitCode}`);
    }
  }

  /** The name of the layer that `work` left, or '' when it wants none to be kept. */
  private async withMachine(
    step: string,
    layers: readonly string[],
    work: (machine: Machine) => Promise<boolean>,
  ): Promise<string> {
    const { factory, layers: store } = this.parts;
    const id = `build${randomBytes(8).toString('hex')}`;
    const usable = await store.flatten(layers);
    store.retain(usable);
    let machine: Machine | undefined;
    try {
      machine = await factory.create({ id, hostname: 'build', layers: usable, bootId: id });
      const isKept = await work(machine);
      await machine.kill();
      return isKept ? store.seal(id, machine.generation) : '';
    } catch (error) {
      throw error instanceof RecipeError ? error : new RecipeError(step, (error as Error).message);
    } finally {
      await machine?.kill();
      store.removeSandbox(id);
      store.release(usable);
    }
  }
}

/** False when only root may make it. */
async function makesDirectory(machine: Machine, user: string, path: string): Promise<boolean> {
  try {
    await machine.files.makeDirectory(user, path);
    return true;
  } catch (error) {
    if (error instanceof FileError && error.code === 'EEXIST') {
      return true;
    }
    if (error instanceof FileError && error.code === 'EACCES') {
      return false;
    }
    throw error;
  }
}
