import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { detectRuntime } from './detect.js';

const runtimes = { rust: 'rust', typescript: 'ts', javascript: 'js', python: 'py', go: 'go', shell: 'sh' };
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

/** A real file tree, listed as a program would list it. */
async function tree(...paths: string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-detect-'));
  folders.push(folder);
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), '');
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

describe('the runtime for a file tree', () => {
  it.each([
    [
      'a Rust workspace with a web front',
      'rust',
      ['Cargo.toml', 'src/main.rs', 'crates/core/src/lib.rs', 'web/package.json', 'web/app.js'],
    ],
    ['a TypeScript project', 'ts', ['package.json', 'tsconfig.json', 'src/index.ts', 'scripts/build.sh']],
    ['a JavaScript project', 'js', ['package.json', 'index.js', 'lib/util.mjs']],
    [
      'a Python project with a Makefile and notebooks',
      'py',
      ['pyproject.toml', 'pkg/__init__.py', 'notebooks/a.ipynb', 'run.sh'],
    ],
    ['a Go service', 'go', ['go.mod', 'main.go', 'internal/server/server.go', 'deploy.sh']],
    ['a folder of scripts', 'sh', ['install.sh', 'lib/common.sh']],
    [
      'a project among vendored code',
      'go',
      ['go.mod', 'main.go', 'node_modules/x/index.js', 'node_modules/x/package.json', 'vendor/y/z.py'],
    ],
  ])('%s', async (_name, expected, paths) => {
    const found = detectRuntime({ files: await tree(...paths), runtimes });
    expect(found?.runtime).toBe(expected);
    expect(found?.reasons.length).toBeGreaterThan(0);
  });
});

describe('the runtime for a command or a source', () => {
  it.each([
    ['cargo test --all', 'rust'],
    ['cd app && NODE_ENV=test npx vitest run', 'ts'],
    ['npm ci', 'js'],
    ['timeout 10 python3 -m pytest', 'py'],
    ['sudo go build ./...', 'go'],
    ['ls -la | grep x', 'sh'],
  ])('%s', (command, expected) => {
    expect(detectRuntime({ command, runtimes })?.runtime).toBe(expected);
  });

  it.each([
    ['fn main() {\n    println!("hi");\n}', 'rust'],
    ['package main\n\nfunc main() {}\n', 'go'],
    ['interface A { b: string }\nconst a: A = { b: "x" };', 'ts'],
    ['const fs = require("fs");\nconsole.log(1);', 'js'],
    ['import os\n\ndef main():\n    print(os.getcwd())\n', 'py'],
    ['#!/bin/bash\nset -e\necho hi', 'sh'],
  ])('%s', (source, expected) => {
    expect(detectRuntime({ source, runtimes })?.runtime).toBe(expected);
  });

  it('a command outweighs the files around it', () => {
    expect(detectRuntime({ command: 'python3 tool.py', files: ['package.json'], runtimes })?.runtime).toBe('py');
  });

  it('is surer the more speaks for it, and less sure when something else does too', () => {
    const alone = detectRuntime({ files: ['Cargo.toml', 'src/main.rs'], runtimes })?.confidence ?? 0;
    const mixed = detectRuntime({ files: ['Cargo.toml', 'pyproject.toml'], runtimes })?.confidence ?? 1;
    expect(alone).toBeGreaterThan(0.9);
    expect(mixed).toBeLessThan(0.7);
  });

  it('falls back from JavaScript to TypeScript, and says nothing when nothing speaks for anything', () => {
    expect(detectRuntime({ command: 'node a.js', runtimes: { typescript: 'ts' } })?.runtime).toBe('ts');
    expect(detectRuntime({ files: ['README.md'], runtimes })).toBeUndefined();
  });

  it('never throws and stays within [0, 1], whatever it is given', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.array(fc.string()), (source, command, files) => {
        const found = detectRuntime({ source, command, files, runtimes });
        expect(found?.confidence ?? 0).toBeGreaterThanOrEqual(0);
        expect(found?.confidence ?? 0).toBeLessThanOrEqual(1);
      }),
    );
  });
});
