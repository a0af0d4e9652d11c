import { randomBytes } from 'node:crypto';
import type { LayerStore } from '../storage/layers.js';
import type { CommandDefaults, StartCommand } from './settings.js';

/** Something a sandbox can be made from: a template or a snapshot. Both are a stack of sealed layers. */
export interface Template {
  id: string;
  /** Names a caller may use instead of the id. */
  names: string[];
  layers: readonly string[];
  envs: Readonly<Record<string, string>>;
  /** Set for a snapshot: the sandbox it was taken from. */
  sourceSandboxId?: string | undefined;
  createdAtMs: number;
  /** What callers know it by when that is not its id: one template has many builds. */
  publicId?: string | undefined;
  start?: StartCommand | undefined;
  defaults?: CommandDefaults | undefined;
}

/** Templates and snapshots by id and name. Holds the layers of each for as long as it is listed. */
export class TemplateStore {
  private readonly templates = new Map<string, Template>();
  private readonly names = new Map<string, string>();
  private readonly layers: LayerStore;

  constructor(layers: LayerStore) {
    this.layers = layers;
  }

  add(template: Omit<Template, 'id'> & { id?: string }): Template {
    const added: Template = { ...template, id: template.id ?? newTemplateId() };
    this.layers.retain(added.layers);
    this.templates.set(added.id, added);
    for (const name of added.names) {
      this.names.set(name, added.id);
    }
    return added;
  }

  /** By id, name, or name with tag; undefined when there is none. */
  find(reference: string): Template | undefined {
    const plain = reference.replace(/:default$/, '');
    return this.templates.get(plain) ?? this.templates.get(this.names.get(plain) ?? '');
  }

  /** From now on the name means this template. */
  point(name: string, template: Template): void {
    template.names.push(name);
    this.names.set(name, template.id);
  }

  unpoint(name: string): void {
    this.names.delete(name);
  }

  list(): Template[] {
    return [...this.templates.values()];
  }

  /** False when there is none of this id. Sandboxes made from it keep what they stand on. */
  remove(reference: string): boolean {
    const template = this.find(reference);
    if (!template) {
      return false;
    }
    this.templates.delete(template.id);
    for (const name of template.names) {
      if (this.names.get(name) === template.id) {
        this.names.delete(name);
      }
    }
    this.layers.release(template.layers);
    return true;
  }
}

function newTemplateId(): string {
  return randomBytes(10).toString('hex');
}
