import { readFileSync } from 'node:fs';
import { defineRuntime, type Runtime } from '@pilotlight/sdk';

export const folder = '/home/user/project';
const asset = (name: string) => readFileSync(new URL(`sandbox/${name}`, import.meta.url), 'utf8');

const moduleCount = 60;
const crateCount = 8;

/** A module or a crate's library of some length, which imports the one before it. */
function typescriptModule(index: number): string {
  const before = index === 0 ? '' : `import { total_${index - 1} } from './module_${index - 1}.js';\n`;
  const functions = Array.from(
    { length: 20 },
    (_, number) =>
      `export function value_${index}_${number}(input: Item_${index}): number {\n  return input.size * ${number} + input.name.length;\n}\n`,
  ).join('');
  return `${before}export interface Item_${index} { name: string; size: number }\n${functions}export const total_${index}: number = ${index === 0 ? '0' : `total_${index - 1} + 1`};\n`;
}

function rustCrate(index: number): Record<string, string> {
  const before = index === 0 ? '' : `crate_${index - 1} = { path = "../crate_${index - 1}" }\n`;
  const functions = Array.from(
    { length: 60 },
    (_, number) =>
      `#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]\npub struct Item${number} { pub name: String, pub sizes: Vec<u64> }\nimpl Item${number} {\n    pub fn total(&self) -> u64 { self.sizes.iter().map(|size| size * ${number}).sum::<u64>() + self.name.len() as u64 }\n}\n`,
  ).join('');
  const chain = index === 0 ? '0' : `crate_${index - 1}::total()`;
  return {
    [`${folder}/crate_${index}/Cargo.toml`]: `[package]\nname = "crate_${index}"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n${before}`,
    [`${folder}/crate_${index}/src/lib.rs`]: `${functions}pub fn total() -> u64 { ${chain} + 1 }\n`,
  };
}

/** A project of 60 modules. */
export const typescriptFiles: Record<string, string> = {
  [`${folder}/package.json`]: JSON.stringify({
    name: 'project',
    private: true,
    type: 'module',
    dependencies: {
      typescript: '5.9.3',
      'typescript-language-server': '4.4.1',
      'vscode-jsonrpc': '8.2.1',
      ws: '8.18.0',
    },
  }),
  [`${folder}/tsconfig.json`]: JSON.stringify({
    compilerOptions: {
      target: 'ES2022',
      lib: ['ES2022'],
      module: 'NodeNext',
      strict: true,
      skipLibCheck: true,
      types: [],
      outDir: 'dist',
      incremental: true,
    },
    include: ['src'],
  }),
  ...Object.fromEntries(
    Array.from({ length: moduleCount }, (_, index) => [`${folder}/src/module_${index}.ts`, typescriptModule(index)]),
  ),
  [`${folder}/src/index.ts`]: `export const answer: number = 42;\nexport { total_${moduleCount - 1} } from './module_${moduleCount - 1}.js';\n`,
};
export const typescriptInstall = 'npm install --no-audit --no-fund --loglevel=error';
export const typescriptBuild = 'node_modules/.bin/tsc';

/** Ends when the compiler that is kept running has seen the change and found no error in it. */
export const typescriptKeptBuild = (mark: string): string =>
  `for turn in $(seq 1 1500); do grep -q ${mark} dist/index.js && exit 0; sleep 0.02; done; tail -5 watch.log; exit 1`;

export const typescript: Runtime = defineRuntime({
  name: 'typescript',
  files: { ...typescriptFiles, [`${folder}/language-server.mjs`]: asset('language-server.mjs') },
  steps: [
    { name: 'install', run: typescriptInstall, cwd: folder },
    { name: 'compile', run: typescriptBuild, cwd: folder },
    {
      name: 'watch',
      run: `${typescriptBuild} --watch --preserveWatchOutput > watch.log`,
      cwd: folder,
      background: true,
    },
    { name: 'language-server', run: 'node language-server.mjs', cwd: folder, background: true },
  ],
  ready: { file: `${folder}/language-server.ready`, timeoutMs: 120_000 },
  pool: { target: 2, link: false },
});

export const rustFiles: Record<string, string> = {
  [`${folder}/Cargo.toml`]: `[workspace]\nmembers = [${Array.from({ length: crateCount }, (_, index) => `"crate_${index}"`).join(', ')}, "app"]\n`,
  ...Object.assign({}, ...Array.from({ length: crateCount }, (_, index) => rustCrate(index))),
  [`${folder}/app/Cargo.toml`]: `[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\ncrate_${crateCount - 1} = { path = "../crate_${crateCount - 1}" }\n`,
  [`${folder}/app/src/main.rs`]: `fn main() { println!("{}", crate_${crateCount - 1}::total()); }\n`,
};
export const rustBuild = 'cargo build --offline --quiet';

export const rust: Runtime = defineRuntime({
  name: 'rust',
  files: rustFiles,
  steps: [{ name: 'compile', run: rustBuild, cwd: folder, timeoutMs: 300_000 }],
  pool: { target: 1 },
});

export const python: Runtime = defineRuntime({
  name: 'python',
  files: { [`${folder}/main.py`]: 'print(42)\n' },
  steps: [{ name: 'compile', run: 'python3 -m compileall -q .', cwd: folder }],
  pool: { target: 2 },
});

export const node: Runtime = defineRuntime({
  name: 'node',
  files: { [`${folder}/main.mjs`]: 'console.log(42);\n' },
  steps: [{ name: 'check', run: 'node main.mjs', cwd: folder }],
  pool: { target: 2 },
});

export const agent = (pool: Runtime['pool']): Runtime =>
  defineRuntime({
    name: 'agent',
    files: { [`${folder}/agent.mjs`]: asset('agent.mjs') },
    steps: [{ name: 'serve', run: 'node agent.mjs', cwd: folder, background: true }],
    ready: { port: 8080 },
    pool,
  });

/** Chromium of the system, started ahead with one page open. Its own sandbox needs rights that this one has taken away. */
export const browser: Runtime = defineRuntime({
  name: 'browser',
  files: {
    [`${folder}/first-paint.mjs`]: asset('first-paint.mjs'),
    [`${folder}/page.html`]:
      '<!doctype html><title>0</title><h1>Counter</h1><button onclick="document.title = Number(document.title) + 1">add</button>',
  },
  steps: [
    {
      name: 'chromium',
      run: `exec /usr/lib/chromium/chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --remote-debugging-port=9222 --user-data-dir=/home/user/.browser file://${folder}/page.html`,
      background: true,
    },
    {
      name: 'listening',
      run: 'for turn in $(seq 1 600); do (exec 3<>/dev/tcp/127.0.0.1/9222) 2>/dev/null && exit 0; sleep 0.05; done; exit 1',
    },
    { name: 'first-paint', run: 'node --experimental-websocket --no-warnings first-paint.mjs', cwd: folder },
  ],
  ready: { port: 9222 },
  pool: { target: 1, link: false },
});
