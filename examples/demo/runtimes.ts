import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defineRuntime, type Runtime } from '@pilotlight/sdk';

/** Where the project lives inside the sandbox. */
export const projectFolder = '/home/user/project';

/** How the compiler is started there; `incremental` makes the second compile reuse the first. */
const compilerOptions = {
  target: 'ES2022',
  module: 'NodeNext',
  strict: true,
  types: [],
  outDir: 'dist',
  incremental: true,
};

const project = {
  [`${projectFolder}/package.json`]: JSON.stringify({ name: 'project', private: true, type: 'module' }),
  [`${projectFolder}/tsconfig.json`]: JSON.stringify({ compilerOptions, include: ['src'] }),
  [`${projectFolder}/src/index.ts`]: 'export const ready: boolean = true;\n',
};

/** A TypeScript project with its compiler installed from npm and everything compiled once. */
export const nodeTypescript: Runtime = defineRuntime({
  name: 'node-typescript',
  files: project,
  steps: [
    { name: 'install', run: 'npm install --no-audit --no-fund typescript@5.9.3', cwd: projectFolder },
    { name: 'compile', run: 'node_modules/.bin/tsc', cwd: projectFolder },
  ],
  ready: { file: `${projectFolder}/dist/index.js` },
  pool: { target: 2 },
});

/** The same without a network: the compiler is the one of this checkout, sent as files. */
export function nodeTypescriptOffline(): Runtime {
  const compiler = dirname(createRequire(import.meta.url).resolve('typescript'));
  const names = readdirSync(compiler).filter((name) =>
    /^(_?tsc\.js|lib\.(es|decorators).*\.d\.ts|lib\.d\.ts)$/.test(name),
  );
  const folder = `${projectFolder}/node_modules/typescript/lib`;
  return defineRuntime({
    name: 'node-typescript',
    files: {
      ...project,
      ...Object.fromEntries(names.map((name) => [`${folder}/${name}`, readFileSync(join(compiler, name), 'utf8')])),
    },
    steps: [
      {
        name: 'link',
        run: 'mkdir -p node_modules/.bin && printf \'#!/bin/sh\\nexec node "$(dirname "$0")/../typescript/lib/tsc.js" "$@"\\n\' > node_modules/.bin/tsc && chmod +x node_modules/.bin/tsc',
        cwd: projectFolder,
      },
      { name: 'compile', run: 'node_modules/.bin/tsc', cwd: projectFolder },
    ],
    ready: { file: `${projectFolder}/dist/index.js` },
    pool: { target: 2 },
  });
}
