import { describe, expect, it } from 'vitest';
import { loadConfig } from './load.js';

describe('loadConfig', () => {
  it('has defaults for everything', () => {
    expect(loadConfig({ environment: {} })).toMatchObject({
      listen: { host: '127.0.0.1', port: 7700 },
      store: { kind: 'sqlite' },
      provider: { kind: 'e2b' },
    });
  });

  it('lets the environment win over the file, and flags over both', () => {
    const file = { path: 'p.yaml', text: 'listen: { port: 1 }\nfleet: from-file\nlog: { level: warn }' };
    const environment = { PILOTLIGHT_LISTEN__PORT: '2', PILOTLIGHT_FLEET: 'from-environment', E2B_API_KEY: 'e2b_1' };
    expect(loadConfig({ file, environment, settings: ['listen.port=3'] })).toMatchObject({
      listen: { port: 3 },
      fleet: 'from-environment',
      log: { level: 'warn' },
      provider: { apiKey: 'e2b_1' },
    });
  });

  it('names every wrong setting, and repeats no value', () => {
    const load = () => loadConfig({ environment: { PILOTLIGHT_SEAL_KEY: 'my-secret', PILOTLIGHT_NONSENSE: '1' } });
    expect(load).toThrow(/sealKey: give 32 bytes in hex[\s\S]*nonsense: is not a setting/);
    expect(load).not.toThrow(/my-secret/);
  });

  it('says which file cannot be read', () => {
    expect(() => loadConfig({ environment: {}, file: { path: 'p.yaml', text: '{ a: ' } })).toThrow('p.yaml');
    expect(() => loadConfig({ environment: {}, file: { path: 'p.yaml', text: '- a list' } })).toThrow('p.yaml');
  });
});
