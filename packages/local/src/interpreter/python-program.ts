import { readAsset } from '../assets.js';

const kernelModules = ['streams', 'display', 'modules', 'cell', 'kernel'];

function withModules(names: readonly string[], last: string): string {
  const sources = names.map(
    (name) => `(${JSON.stringify(name)}, ${JSON.stringify(readAsset(`interpreter/${name}.py`))})`,
  );
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

/** A program that loads libraries once and forks kernels; what to load, a kernel's own program and its filter are its last arguments. */
export function zygoteProgram(): string {
  return withModules(
    [...kernelModules, 'zygote'],
    'sys.modules["pilotlight_zygote"].main(__import__("json").loads(sys.argv[1]), *sys.argv[2:4])',
  );
}
