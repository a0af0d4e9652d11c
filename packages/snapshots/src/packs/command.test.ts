import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, writeTree } from '../../../../test/snapshots/support.js';
import { runPackCommand } from './command.js';

async function run(...commandLine: string[]) {
  const printed: string[] = [];
  const errors: string[] = [];
  const exitCode = await runPackCommand(commandLine, {
    print: (text) => printed.push(text),
    printError: (text) => errors.push(text),
  });
  return { exitCode, printed: printed.join('\n'), errors: errors.join('\n') };
}

function setUp() {
  const work = temporaryDirectory();
  writeTree(work, { 'source/main.js': 'one', 'requirements.txt': 'six==1.16.0\n', 'extra.txt': 'extra' });
  const description = join(work, 'pack.json');
  const describe = (install: string) =>
    writeFileSync(
      description,
      JSON.stringify({
        name: 'app',
        output: 'pack',
        layers: [
          {
            kind: 'dependencies',
            name: 'modules',
            lockFile: 'requirements.txt',
            target: '/opt/modules',
            install,
            files: ['extra.txt'],
          },
          { kind: 'directory', name: 'source', source: 'source', target: '/home/user/app' },
        ],
      }),
    );
  describe('cat requirements.txt extra.txt > installed.txt');
  return { work, description, describe };
}

describe('pilotlight-pack', () => {
  it('builds, inspects, verifies and compares', async () => {
    const { work, description } = setUp();
    const built = await run('build', description);
    expect(built.printed).toMatch(/^runtime-pack:v1:sha256:[0-9a-f]{64}\nmodules .*built\nsource .*built$/);
    expect((await run('build', description)).printed).toMatch(/modules .*unchanged\nsource .*unchanged/);
    const pack = join(work, 'pack');
    const inspected = JSON.parse((await run('inspect', pack, '--json')).printed);
    expect(inspected.lock.layers[0].packages).toEqual([{ name: 'six', version: '==1.16.0', integrity: [] }]);
    expect(await run('verify', pack)).toMatchObject({ exitCode: 0 });
    expect((await run('diff', pack, pack)).printed).toContain('modules  same');
    appendFileSync(join(pack, 'layers/0-modules.tar.gz'), 'x');
    expect(await run('verify', pack)).toMatchObject({ exitCode: 1 });
  });

  it('says what is wrong, with exit code 2', async () => {
    const { description, describe: rewrite } = setUp();
    expect(await run()).toMatchObject({ exitCode: 2, errors: expect.stringContaining('Usage') });
    expect(await run('unknown', 'x')).toMatchObject({ exitCode: 2, errors: expect.stringContaining('unknown') });
    expect(await run('inspect', '/nowhere')).toMatchObject({ exitCode: 2 });
    expect(await run('build', description, '--wrong')).toMatchObject({ exitCode: 2 });
    rewrite('echo it broke >&2; exit 3');
    expect(await run('build', description)).toMatchObject({ exitCode: 2, errors: expect.stringContaining('it broke') });
    writeFileSync(description, '{"name":1}');
    expect(await run('build', description)).toMatchObject({ exitCode: 2, errors: expect.stringContaining('name') });
  });
});
