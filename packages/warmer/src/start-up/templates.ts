import type { WarmerConfig } from '../config/schema.js';

export type TemplateRecipe = WarmerConfig['templates'][number];

/** Who builds templates and knows which there are. */
export interface TemplateHouse {
  exists(name: string): Promise<boolean>;
  /** Resolves when the template can be started from. */
  build(recipe: TemplateRecipe): Promise<void>;
}

/** Builds a template that is not there yet. One that is there stays as it is: a changed recipe takes a new name. */
export async function prebuild(house: TemplateHouse, recipe: TemplateRecipe): Promise<'built' | 'there'> {
  if (await house.exists(recipe.name)) return 'there';
  await house.build(recipe);
  return 'built';
}
