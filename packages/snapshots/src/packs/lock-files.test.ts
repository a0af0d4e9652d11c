import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSnapshotError } from '../errors.js';
import { parseLockFile } from './lock-files.js';

const requirements = `
# made by pip-compile
--index-url https://example.com/simple
Requests[security]==2.31.0 \\
    --hash=sha256:bbb \\
    --hash=sha256:aaa
    # via app
numpy>=1.26,<2 ; python_version >= "3.9"
pkg @ https://example.com/pkg.whl
`;

describe('lock files', () => {
  it('of npm are read in all three versions', () => {
    const old = JSON.stringify({
      lockfileVersion: 1,
      dependencies: { a: { version: '1.0.0', integrity: 'sha512-a', dependencies: { b: { version: '2.0.0' } } } },
    });
    expect(parseLockFile('package-lock.json', old).packages.map(({ name, version }) => [name, version])).toEqual([
      ['node_modules/a', '1.0.0'],
      ['node_modules/a/node_modules/b', '2.0.0'],
    ]);
    const young = JSON.stringify({
      lockfileVersion: 3,
      packages: { '': {}, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } },
    });
    expect(parseLockFile('x/package-lock.json', young)).toMatchObject({
      manager: 'npm',
      packages: [{ name: 'node_modules/a', version: '1.0.0', integrity: ['sha512-a'] }],
    });
  });

  it('of pip are read with hashes, extras, markers and options', () => {
    const { packages } = parseLockFile('requirements.txt', requirements);
    expect(packages).toEqual([
      { name: 'numpy', version: '>=1.26,<2;python_version >= "3.9"', integrity: [] },
      { name: 'option --index-url https://example.com/simple', version: '', integrity: [] },
      { name: 'pkg @ https://example.com/pkg.whl', version: '', integrity: [] },
      { name: 'requests[security]', version: '==2.31.0', integrity: ['sha256:aaa', 'sha256:bbb'] },
    ]);
  });

  it('of poetry, uv and pipenv are read', () => {
    const poetry = '[[package]]\nname = "six"\nversion = "1.16.0"\nfiles = [{ file = "x.whl", hash = "sha256:abc" }]\n';
    expect(parseLockFile('poetry.lock', poetry).packages).toEqual([
      { name: 'six', version: '1.16.0', integrity: ['sha256:abc'] },
    ]);
    const uv = 'version = 1\n[[package]]\nname = "six"\nversion = "1.16.0"\nsdist = { url = "u", hash = "sha256:s" }\n';
    expect(parseLockFile('uv.lock', uv).packages[0]!.integrity).toEqual(['sha256:s']);
    const pipfile = JSON.stringify({ default: { six: { version: '==1.16.0', hashes: ['sha256:abc'] } }, develop: {} });
    expect(parseLockFile('Pipfile.lock', pipfile).packages[0]!.version).toBe('==1.16.0');
  });

  it('of cargo are read', () => {
    const lock = 'version = 3\n[[package]]\nname = "serde"\nversion = "1.0.0"\nsource = "registry"\nchecksum = "abc"\n';
    expect(parseLockFile('Cargo.lock', lock).packages).toEqual([
      { name: 'serde', version: '1.0.0', integrity: ['abc'] },
    ]);
  });

  it('have the same digest when only order, comments and line ends differ', () => {
    const lines = ['a==1 --hash=sha256:x', 'b==2', 'c==3'];
    fc.assert(
      fc.property(fc.shuffledSubarray(lines, { minLength: 3 }), fc.constantFrom('\n', '\r\n'), (shuffled, end) => {
        const text = `# comment${end}${shuffled.join(`${end}${end}`)}${end}`;
        expect(parseLockFile('requirements.txt', text).digest).toBe(
          parseLockFile('requirements.txt', lines.join('\n')).digest,
        );
      }),
    );
    expect(parseLockFile('requirements.txt', 'a==1').digest).not.toBe(parseLockFile('requirements.txt', 'a==2').digest);
    expect(parseLockFile('requirements.txt', 'a==1').digest).not.toBe(
      parseLockFile('requirements.txt', 'a==1 --hash=sha256:x').digest,
    );
  });

  it('that are something else are refused with a typed error', () => {
    expect(() => parseLockFile('yarn.lock', '')).toThrow(expect.objectContaining({ code: 'lock_file_invalid' }));
    fc.assert(
      fc.property(
        fc.constantFrom('package-lock.json', 'Cargo.lock', 'poetry.lock', 'Pipfile.lock', 'requirements.txt'),
        fc.oneof(fc.string(), fc.json()),
        (file, text) => {
          try {
            parseLockFile(file, text);
          } catch (error) {
            expect(isSnapshotError(error) && error.code).toBe('lock_file_invalid');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
