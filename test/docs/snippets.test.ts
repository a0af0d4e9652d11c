import { mkdirSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root, snippets } from './snippets.js';

const typescript = snippets().filter((snippet) => ['ts', 'tsx'].includes(snippet.language));

/** Compiles all snippets in one program, as modules that stand in the repository. */
function problemsBySnippet(): Map<string, string[]> {
  const config = ts.getParsedCommandLineOfConfigFile(
    `${root}tsconfig.json`,
    { noEmit: true },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
      },
    },
  );
  const files = new Map(
    typescript.map(({ name, language, code }) => [
      `${root}test/docs/${name.replaceAll(/[/#]/g, '_')}.${language}`,
      { name, code },
    ]),
  );
  const host = ts.createCompilerHost(config?.options ?? {});
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path)?.code ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const file = files.get(path);
    // A snippet without imports still is a module of its own.
    return file
      ? ts.createSourceFile(path, `${file.code}\nexport {};\n`, version)
      : getSourceFile(path, version, ...rest);
  };
  const program = ts.createProgram([...files.keys()], config?.options ?? {}, host);
  return new Map(
    [...files].map(([path, { name }]) => {
      const source = program.getSourceFile(path);
      const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [name, diagnostics.map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))];
    }),
  );
}

describe('every TypeScript snippet in the documents', () => {
  const problems = problemsBySnippet();
  it.each(typescript.map((snippet) => snippet.name))('%s compiles', (name) => {
    expect(problems.get(name)).toEqual([]);
  });
});

describe('the ten lines of the README', () => {
  it('run on a machine with nothing but Node', async () => {
    const quickstart = typescript.find(
      (snippet) => snippet.name.startsWith('README.md') && snippet.code.includes('startLocalHost'),
    );
    const folder = `${root}test-results/snippets`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/quickstart.ts`, quickstart?.code ?? '');
    const run = await execa('node', ['--conditions=@pilotlight/source', '--import', 'tsx', `${folder}/quickstart.ts`], {
      cwd: root,
      timeout: 60_000,
    });
    expect(run.stdout.trimEnd().split('\n').at(-1)).toBe('42');
  });
});
