import { type ConnectionOpts, Template } from 'e2b';
import type { TemplateHouse, TemplateRecipe } from '../start-up/templates.js';

/** Templates of an E2B account, by E2B's own builder. */
export function e2bTemplates(connection: ConnectionOpts): TemplateHouse {
  return {
    exists: (name) => Template.exists(name, connection),
    async build(recipe) {
      const { cpuCount, memoryMb } = recipe;
      await Template.build(templateOf(recipe), recipe.name, {
        ...connection,
        ...(cpuCount === undefined ? {} : { cpuCount }),
        ...(memoryMb === undefined ? {} : { memoryMB: memoryMb }),
      });
    },
  };
}

function templateOf({ from, apt, npm, pip, env, run, start, ready }: TemplateRecipe) {
  const base = Template();
  let builder = from.kind === 'image' ? base.fromImage(from.name) : base.fromTemplate(from.name);
  if (Object.keys(env).length > 0) builder = builder.setEnvs(env);
  if (apt.length > 0) builder = builder.aptInstall(apt);
  if (npm.length > 0) builder = builder.npmInstall(npm, { g: true });
  if (pip.length > 0) builder = builder.pipInstall(pip);
  if (run.length > 0) builder = builder.runCmd(run);
  return start === undefined ? builder : builder.setStartCmd(start, ready ?? 'true');
}
