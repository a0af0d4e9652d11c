import { createHash } from 'node:crypto';
import type { StartCommand } from '../sandbox/settings.js';
import type { Template } from '../sandbox/template-store.js';
import type { BuildOrder, BuildStep } from './build-request.js';

/** What commands of a template start with. */
export interface BuildContext {
  user: string;
  workdir: string;
  envs: Readonly<Record<string, string>>;
}

export type BuildAction =
  | { kind: 'run'; command: string }
  | { kind: 'copy'; filesHash: string; source: string; destination: string; owner: string; mode: string }
  | { kind: 'directory'; path: string }
  /** Changes only what later steps and the sandboxes start with. */
  | { kind: 'none' };

export interface PlannedStep {
  /** As the SDK counts: the first step is 1. */
  number: number;
  label: string;
  context: BuildContext;
  action: BuildAction;
  /** Equal for steps that give the same files; stands for everything before it too. */
  digest: string;
  /** The layer is made anew even when there is one of this digest. */
  isForced: boolean;
}

export interface Recipe {
  steps: PlannedStep[];
  context: BuildContext;
  start: StartCommand | undefined;
}

/** A step cannot be honoured; nothing was built. */
export class RecipeError extends Error {
  override readonly name = 'RecipeError';
  /** `base`, a step's number, or `finalize`: the SDK finds the caller's line by it. */
  readonly step: string;

  constructor(step: string, message: string) {
    super(message);
    this.step = step;
  }
}

/** Images whose content is that of a template of this host. */
const knownImages: Readonly<Record<string, string>> = {
  'e2bdev/base': 'base',
  'e2bdev/code-interpreter': 'code-interpreter-v1',
};

/** Name of the template to start from; `images` says which template a caller takes for an image. @throws RecipeError that names an image, because there is no registry here. */
export function baseOf(order: BuildOrder, images: Readonly<Record<string, string>>): string {
  if (order.fromTemplate) {
    return order.fromTemplate;
  }
  const image = order.fromImage ?? 'e2bdev/base';
  const known = images[image] ?? knownImages[image.replace(/[:@].*$/, '')];
  if (!known) {
    throw new RecipeError(
      'base',
      `fromImage "${image}" cannot be honoured: this host takes no images from registries. ` +
        'Use fromTemplate("base"), or name a template for it in the option "images".',
    );
  }
  return known;
}

/** What is to be done, in order. Pure: the same order on the same base gives the same digests. */
export function planBuild(order: BuildOrder, base: Template): Recipe {
  let context: BuildContext = {
    user: base.defaults?.user ?? 'user',
    workdir: base.defaults?.workdir ?? '/home/user',
    envs: base.envs,
  };
  let digest = hash(['base', ...base.layers]);
  let isForced = order.force === true;
  const steps = order.steps.map((step, index) => {
    const number = index + 1;
    const planned = planStep(step, String(number), context);
    isForced ||= step.force === true;
    if (planned.action.kind !== 'none') {
      digest = hash([digest, planned.action, planned.context]);
    }
    // The user of one RUN is not that of the next; everything else goes on.
    context = planned.action.kind === 'run' ? context : planned.context;
    return { number, label: `${step.type} ${step.args.join(' ')}`.trim(), digest, isForced, ...planned };
  });
  return { steps, context, start: startOf(order, context) ?? base.start };
}

function planStep(
  { type, args, filesHash }: BuildStep,
  step: string,
  context: BuildContext,
): { action: BuildAction; context: BuildContext } {
  const [first = '', second = '', third = '', fourth = ''] = args;
  switch (type.toUpperCase()) {
    case 'RUN':
      return { action: { kind: 'run', command: first }, context: second ? { ...context, user: second } : context };
    case 'COPY':
    case 'ADD':
      if (!filesHash) {
        throw new RecipeError(
          step,
          `${type} ${first} comes without the hash of its files. Build with the SDK's Template.`,
        );
      }
      return {
        action: {
          kind: 'copy',
          filesHash,
          source: first,
          destination: absolute(second, context.workdir) + (/(^|\/)\.?$/.test(second) ? '/' : ''),
          owner: third || context.user,
          mode: fourth,
        },
        context,
      };
    case 'ENV':
    case 'ARG':
      return { action: { kind: 'none' }, context: { ...context, envs: { ...context.envs, ...pairs(args) } } };
    case 'WORKDIR': {
      const workdir = absolute(first, context.workdir);
      return { action: { kind: 'directory', path: workdir }, context: { ...context, workdir } };
    }
    case 'USER':
      return { action: { kind: 'none' }, context: { ...context, user: first } };
    default:
      throw new RecipeError(
        step,
        `The instruction ${type} cannot be honoured by this host. Remove it from the template.`,
      );
  }
}

function startOf({ startCmd, readyCmd }: BuildOrder, { user, workdir, envs }: BuildContext): StartCommand | undefined {
  if (!startCmd && !readyCmd) {
    return undefined;
  }
  return { command: startCmd || undefined, readyCommand: readyCmd || undefined, user, cwd: workdir, envs };
}

function pairs(args: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < args.length; index += 2) {
    found[args[index]!] = args[index + 1]!;
  }
  return found;
}

/** Against the working directory, without "." and "..". */
function absolute(path: string, workdir: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${workdir}/${path}`).split('/')) {
    if (part === '..') {
      parts.pop();
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  return `/${parts.join('/')}`;
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
