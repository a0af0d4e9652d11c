import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SessionConfig, settleConfig } from './config.js';
import { ConfigCache } from './config-cache.js';
import { Credentials } from './credentials.js';
import { spent } from './phases.js';
import { planOf } from './plan.js';
import { markOf, marksIn } from './scripts.js';

const key = 'k';
const plan = (config: SessionConfig, secret = 'first') =>
  planOf(
    settleConfig(config),
    (config.credentials ?? []).map(({ name, file }) => ({ name, file, value: secret })),
    key,
  );
const hashes = (config: SessionConfig, secret?: string) =>
  new Map(plan(config, secret).steps.map(({ name, hash }) => [name, hash]));

const base: SessionConfig = {
  files: { 'a.txt': 'a' },
  mcp: { servers: { x: {} } },
  packages: { npm: ['left-pad'], pip: ['six'] },
  commands: [{ name: 'build', run: 'make', after: ['files'] }],
  credentials: [{ name: 'TOKEN', issue: () => ({ value: 'x' }), file: '.token' }],
  servers: [{ name: 'web', command: 'serve', after: ['build'] }],
};

describe('a plan', () => {
  it('puts each step after those it stands on, and leaves independent ones independent', () => {
    const { steps } = plan(base);
    const names = steps.map(({ name }) => name);
    for (const step of steps)
      for (const before of step.after) expect(names.indexOf(before)).toBeLessThan(names.indexOf(step.name));
    expect(steps.filter(({ after }) => after.length === 0).map(({ name }) => name)).toEqual([
      'files',
      'mcp',
      'credential:TOKEN',
      'npm',
      'pip',
    ]);
  });

  it('has equal hashes for equal configs, and changes those of a changed step and of what stands on it only', () => {
    expect(hashes(base)).toEqual(hashes({ ...base, files: { ...base.files } }));
    const before = hashes(base);
    const after = hashes({ ...base, files: { 'a.txt': 'b' } });
    expect([...before].filter(([name, hash]) => after.get(name) !== hash).map(([name]) => name)).toEqual([
      'files',
      'build',
      'web',
    ]);
  });

  it('keeps the values of secrets out of its marks, and starts servers anew when a secret of their environment changes', () => {
    const env: SessionConfig = { ...base, credentials: [{ name: 'TOKEN', issue: () => ({ value: 'x' }) }] };
    expect(plan(env).env).toEqual({ TOKEN: 'first' });
    const before = hashes(env, 'first');
    const after = hashes(env, 'second');
    expect([...before].filter(([name, hash]) => after.get(name) !== hash).map(([name]) => name)).toEqual(['web']);
    const marks = JSON.stringify([...hashes(base, 'visible-secret')]);
    expect(marks).not.toContain('visible-secret');
  });

  it("has a mark for each step that is a file name and nobody else's", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(markOf(name)).toMatch(/^[\w.-]*$/);
        expect(markOf(name)).not.toContain('/');
      }),
    );
    expect(marksIn('files abc\nweb def\nbroken\n\n')).toEqual(
      new Map([
        ['files', 'abc'],
        ['web', 'def'],
      ]),
    );
  });
});

describe('a config cache', () => {
  it('assembles once for its time to live, once for many callers, and again after a change, also during an assembly', async () => {
    let nowMs = 0;
    const gates: (() => void)[] = [];
    const cache = new ConfigCache({
      ttlMs: 1_000,
      nowMs: () => nowMs,
      assemble: () =>
        new Promise<SessionConfig>((resolve) => gates.push(() => resolve({ files: { n: String(gates.length) } }))),
    });
    const { signal } = new AbortController();
    const both = [cache.get(signal), cache.get(signal)];
    expect(gates).toHaveLength(1);
    cache.invalidate();
    gates[0]!();
    await Promise.all(both);
    const again = cache.get(signal);
    expect(gates).toHaveLength(2);
    gates[1]!();
    await again;
    await cache.get(signal);
    expect(gates).toHaveLength(2);
    nowMs = 1_000;
    const late = cache.get(signal);
    expect(gates).toHaveLength(3);
    gates[2]!();
    await late;
  });
});

describe('credentials', () => {
  it('are issued again a minute before they run out, and forgotten when they are no longer wanted', async () => {
    let nowMs = 0;
    let issued = 0;
    const credentials = new Credentials(() => nowMs);
    const { signal } = new AbortController();
    const wanted = [
      {
        name: 'TOKEN',
        issue: () => {
          issued += 1;
          return { value: `v${issued}`, expiresAtMs: nowMs + 100_000 };
        },
      },
    ];
    await credentials.issue(wanted, signal);
    nowMs = 39_000;
    expect((await credentials.issue(wanted, signal))[0]?.value).toBe('v1');
    nowMs = 41_000;
    expect((await credentials.issue(wanted, signal))[0]?.value).toBe('v2');
    await credentials.issue([], signal);
    expect((await credentials.issue(wanted, signal))[0]?.value).toBe('v3');
  });
});

it('a message that comes in the middle of a preparation is charged the rest of it', () => {
  const first = { startedMs: 0, configuredMs: 10, claimedMs: 100, endedMs: 150 };
  const own = { startedMs: 150, configuredMs: 151, claimedMs: 151, endedMs: 160 };
  expect(spent([first, own], 50)).toEqual({ configMs: 1, claimMs: 50, bootstrapMs: 59 });
  expect(spent([first, own], 150)).toEqual({ configMs: 1, claimMs: 0, bootstrapMs: 9 });
});
