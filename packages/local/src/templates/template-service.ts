import { randomBytes } from 'node:crypto';
import { ApiError } from '../sandbox/api-error.js';
import type { Template, TemplateStore } from '../sandbox/template-store.js';
import { BuildLog, type BuildLogEntry } from './build-log.js';
import type { BuildOrder } from './build-request.js';
import type { TemplateBuilder } from './builder.js';
import { baseOf, planBuild, RecipeError } from './recipe.js';

type BuildState =
  | { kind: 'waiting' }
  | { kind: 'building' }
  | { kind: 'ready' }
  | { kind: 'error'; step: string; message: string };

export interface Build {
  id: string;
  tags: readonly string[];
  state: BuildState;
  log: BuildLog;
}

/** A template that was asked to be built, with every build of it. */
export interface TemplateFamily {
  id: string;
  name: string;
  builds: Map<string, Build>;
  /** Which build a tag means, and since when. */
  tags: Map<string, { buildId: string; createdAtMs: number }>;
}

export interface BuildStatus {
  status: BuildState['kind'];
  logEntries: BuildLogEntry[];
  reason?: { message: string; step: string; logEntries: BuildLogEntry[] };
}

/** `name` or `name:tag`. */
export function splitReference(reference: string): { name: string; tag: string | undefined } {
  const at = reference.lastIndexOf(':');
  return at < 0
    ? { name: reference, tag: undefined }
    : { name: reference.slice(0, at), tag: reference.slice(at + 1) || undefined };
}

const defaultTag = 'default';

/** Templates that are built here: their names, tags and builds. */
export class TemplateService {
  private readonly families = new Map<string, TemplateFamily>();
  private readonly store: TemplateStore;
  private readonly builder: TemplateBuilder;
  private readonly images: Readonly<Record<string, string>>;
  private readonly nowMs: () => number;

  constructor(
    store: TemplateStore,
    builder: TemplateBuilder,
    images: Readonly<Record<string, string>>,
    nowMs: () => number,
  ) {
    this.images = images;
    this.store = store;
    this.builder = builder;
    this.nowMs = nowMs;
  }

  /** A place for a new build; the template is made if there is none of this name. */
  request(reference: string, tags: readonly string[]): { family: TemplateFamily; build: Build } {
    const { name, tag } = splitReference(reference);
    let family = this.familyByName(name);
    if (!family) {
      family = { id: randomBytes(10).toString('hex'), name, builds: new Map(), tags: new Map() };
      this.families.set(family.id, family);
    }
    const wanted = [...new Set([...(tag ? [tag] : []), ...tags])];
    const build: Build = {
      id: randomBytes(16).toString('hex'),
      tags: wanted.length > 0 ? wanted : [defaultTag],
      state: { kind: 'waiting' },
      log: new BuildLog(this.nowMs),
    };
    family.builds.set(build.id, build);
    return { family, build };
  }

  /** Starts a build in the background; how it goes is told by its status. Resolves when it is over, never rejects. */
  start(familyId: string, buildId: string, order: BuildOrder): Promise<void> {
    const { family, build } = this.build(familyId, buildId);
    if (build.state.kind !== 'waiting') {
      throw new ApiError(409, `Build "${buildId}" was started already. Request another one.`);
    }
    build.state = { kind: 'building' };
    return this.carryOut(family, build, order).then(
      () => {
        build.state = { kind: 'ready' };
      },
      (error: Error) => {
        const step = error instanceof RecipeError ? error.step : 'finalize';
        build.log.write('error', step, error.message);
        build.state = { kind: 'error', step, message: error.message };
      },
    );
  }

  status(familyId: string, buildId: string, offset: number): BuildStatus {
    const { state, log } = this.build(familyId, buildId).build;
    const shown = { status: state.kind, logEntries: log.page(offset) };
    return state.kind === 'error'
      ? { ...shown, reason: { message: state.message, step: state.step, logEntries: log.tail(state.step) } }
      : shown;
  }

  /** The id of what a name means, built here or not; undefined when it means nothing. */
  idOf(name: string): string | undefined {
    const found = this.store.find(name) ?? this.store.find(splitReference(name).name);
    return this.familyByName(splitReference(name).name)?.id ?? found?.publicId ?? found?.id;
  }

  family(reference: string): TemplateFamily {
    const { name } = splitReference(reference);
    const family = this.families.get(name) ?? this.familyByName(name);
    if (!family) {
      throw new ApiError(404, `Template "${reference}" was not built here.`);
    }
    return family;
  }

  assignTags(target: string, tags: readonly string[]): string {
    const family = this.family(target);
    const tag = splitReference(target).tag ?? defaultTag;
    const buildId = family.tags.get(tag)?.buildId ?? (family.builds.has(tag) ? tag : undefined);
    const template = buildId === undefined ? undefined : this.store.find(buildId);
    if (buildId === undefined || !template) {
      throw new ApiError(404, `Template "${family.name}" has no build tagged "${tag}".`);
    }
    this.pointTags(family, template, tags);
    return buildId;
  }

  removeTags(reference: string, tags: readonly string[]): void {
    const family = this.family(reference);
    for (const tag of tags) {
      if (!family.tags.delete(tag)) {
        throw new ApiError(404, `Template "${family.name}" has no tag "${tag}".`);
      }
      for (const name of namesOf(family, tag)) {
        this.store.unpoint(name);
      }
    }
  }

  private async carryOut(family: TemplateFamily, build: Build, order: BuildOrder): Promise<void> {
    const name = baseOf(order, this.images);
    const base = this.store.find(name);
    if (!base) {
      throw new RecipeError('base', `There is no template "${name}" to start from on this host.`);
    }
    build.log.write('info', 'base', `FROM ${name}`);
    const recipe = planBuild(order, base);
    const layers = await this.builder.build(recipe, base, build.log);
    const { user, workdir, envs } = recipe.context;
    const template = this.store.add({
      id: build.id,
      publicId: family.id,
      names: [],
      layers,
      envs,
      start: recipe.start,
      defaults: { user, workdir },
      createdAtMs: this.nowMs(),
    });
    this.pointTags(family, template, build.tags);
    build.log.write('info', 'finalize', `Template ${family.name} is ready`);
  }

  private pointTags(family: TemplateFamily, template: Template, tags: readonly string[]): void {
    for (const tag of tags) {
      family.tags.set(tag, { buildId: template.id, createdAtMs: this.nowMs() });
      for (const name of namesOf(family, tag)) {
        this.store.point(name, template);
      }
    }
  }

  private build(familyId: string, buildId: string): { family: TemplateFamily; build: Build } {
    const family = this.families.get(familyId);
    const build = family?.builds.get(buildId);
    if (!family || !build) {
      throw new ApiError(404, `Template "${familyId}" has no build "${buildId}".`);
    }
    return { family, build };
  }

  private familyByName(name: string): TemplateFamily | undefined {
    return [...this.families.values()].find((family) => family.name === name);
  }
}

/** The default tag needs not be said. */
function namesOf(family: TemplateFamily, tag: string): string[] {
  return tag === defaultTag ? [family.name, family.id] : [`${family.name}:${tag}`, `${family.id}:${tag}`];
}
