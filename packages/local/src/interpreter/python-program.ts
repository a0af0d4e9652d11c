import { accessSync, constants, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kernelModules = ['streams', 'display', 'modules', 'cell', 'kernel'];

/** A kernel's program, beside the source and beside the build alike. */
export function readProgram(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const up of ['..', '../..', '../../..']) {
    const path = join(here, up, 'assets', 'interpreter', name);
    try {
      accessSync(path, constants.R_OK);
      return readFileSync(path, 'utf8');
    } catch {
      // Next place.
    }
  }
  throw new Error(`assets/interpreter/${name} is missing from this installation. Install @pilotlight/local again.`);
}

function withModules(names: readonly string[], last: string): string {
  const sources = names.map((name) => `(${JSON.stringify(name)}, ${JSON.stringify(readProgram(`${name}.py`))})`);
  return [
    'import sys, types',
    `for name, source in [${sources.join(', ')}]:`,
    '    module = types.ModuleType("pilotlight_" + name)',
    '    sys.modules[module.__name__] = module',
    '    exec(compile(source, "<" + module.__name__ + ">", "exec"), module.__dict__)',
    last,
  ].join('\n');
}

/** A program that is one Python kernel on its standard streams; its settings are its last argument. */
export function kernelProgram(): string {
  return withModules(
    kernelModules,
    'sys.modules["pilotlight_kernel"].serve_standard_streams(__import__("json").loads(sys.argv[1]))',
  );
}

/** A program that loads libraries once and forks kernels; what to load is its last argument. */
export function zygoteProgram(): string {
  return withModules(
    [...kernelModules, 'zygote'],
    'sys.modules["pilotlight_zygote"].main(__import__("json").loads(sys.argv[1]))',
  );
}
