import { isWarmingError } from '@pilotlight/warming';
import { isWarmerError } from '../errors.js';
import type { Readiness } from '../operation/readiness.js';
import { keepTrying, type StepState } from './keep-trying.js';
import { pause } from './pause.js';
import { prebuild, type TemplateHouse, type TemplateRecipe } from './templates.js';

export interface StartUpParts {
  readiness: Readiness;
  logger: { info(details: object, message: string): void; warn(details: object, message: string): void };
  signal: AbortSignal;
  /** @returns how many links were looked at, and how many of them were dropped */
  verifyLinks(): Promise<{ checked: number; dropped: number }>;
  verifyEveryMs: number;
  templates: TemplateHouse;
  recipes: readonly TemplateRecipe[];
  startEngine(): Promise<void>;
}

/**
 * Initialises, and lets `/readyz` tell how far it is: snapshot links are verified, templates built that are not there,
 * then the engine starts. Resolves when the engine runs; a template that could not be built is tried again beside it,
 * so that it keeps only its own runtimes from being warm.
 */
export async function startUp(parts: StartUpParts): Promise<void> {
  const { readiness, logger, signal, recipes, templates } = parts;
  const step = (name: string, work: () => Promise<string | undefined>) => {
    let state: StepState = 'wait';
    readiness.add(name, async () => state);
    let tried = (): void => {};
    const firstTry = new Promise<void>((resolve) => {
      tried = resolve;
    });
    const begin = (): Promise<void> =>
      keepTrying(work, {
        signal,
        pause,
        explain,
        tell: (told) => {
          state = told;
          tried();
          if (typeof told === 'object' && told.state === 'fail') {
            logger.warn({ step: name, reason: told.message }, 'not ready yet; it will be tried again');
          }
        },
      }).finally(tried);
    return { begin, firstTry };
  };

  const links = step('links', async () => {
    const { checked, dropped } = await parts.verifyLinks();
    logger.info({ checked, dropped }, 'snapshot links verified');
    return `${checked} verified, ${dropped} of them dropped`;
  });
  const builds = recipes.map((recipe) =>
    step(`template ${recipe.name}`, async () => {
      logger.info({ template: recipe.name, outcome: await prebuild(templates, recipe) }, 'template is there');
      return undefined;
    }),
  );
  const engine = step('engine', async () => {
    await parts.startEngine();
    return undefined;
  });
  for (const build of builds) void build.begin();
  await Promise.all([links.begin(), ...builds.map((build) => build.firstTry)]);
  void verifyNowAndThen(parts);
  await engine.begin();
}

/** Links that the provider lost meanwhile are dropped before a claim has to find out. */
async function verifyNowAndThen({ signal, verifyEveryMs, verifyLinks, logger }: StartUpParts): Promise<void> {
  for (;;) {
    await pause(verifyEveryMs, signal);
    if (signal.aborted) return;
    try {
      await verifyLinks();
    } catch (error) {
      logger.warn({ err: error }, 'snapshot links could not be verified');
    }
  }
}

/** Our own errors are written for people; those of others may hold what only the log may. */
function explain(error: unknown): string {
  if (!isWarmingError(error) && !isWarmerError(error)) return 'failed; see the log';
  return error.message.split('\n')[0] ?? 'failed';
}
