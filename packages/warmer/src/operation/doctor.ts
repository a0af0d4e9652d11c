import { e2bProvider } from '@pilotlight/warming/e2b';
import type { WarmerConfig } from '../config/schema.js';
import { dashboardRoot } from '../dashboard-root.js';
import { RuntimeRegistry } from '../runtimes/registry.js';
import { openStores } from '../stores.js';

/** What the doctor found; the message of a failure says what to do. */
export interface Finding {
  name: string;
  state: 'pass' | 'warn' | 'fail';
  message: string;
}

/** Looks at everything an installation needs, one after the other; a failure does not hide the next. */
export async function examine(load: () => WarmerConfig): Promise<Finding[]> {
  const findings: Finding[] = [nodeVersion(process.versions.node)];
  const check = async (name: string, look: () => Promise<Omit<Finding, 'name'>>): Promise<void> => {
    try {
      findings.push({ name, ...(await look()) });
    } catch (error) {
      findings.push({ name, state: 'fail', message: error instanceof Error ? error.message : String(error) });
    }
  };
  let config: WarmerConfig | undefined;
  await check('configuration', async () => {
    config = load();
    return pass('is valid');
  });
  if (!config) return findings;
  const given = config;
  await check('tokens', async () => tokens(given));
  await check('seal key', async () => sealKey(given));
  await check('runtimes', async () => runtimes(given));
  await check('store', async () => {
    const stores = await openStores(given, silent);
    try {
      await stores.book.check();
    } finally {
      await stores.close();
    }
    return pass(`${given.store.kind} answers`);
  });
  await check('provider', () => provider(given));
  await check('exposure', async () => exposure(given));
  await check('dashboard', async () =>
    dashboardRoot() === undefined
      ? { state: 'warn', message: 'was not built; run "npm run build" in the checkout' }
      : pass('is built'),
  );
  return findings;
}

function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 18);
  return enough
    ? { name: 'node', ...pass(version) }
    : { name: 'node', state: 'fail', message: `${version} is too old. Install 20.18 or later.` };
}

function tokens({ tokens: records }: WarmerConfig): Omit<Finding, 'name'> {
  const nowMs = Date.now();
  const valid = records.filter((record) => record.expiresAtMs === undefined || record.expiresAtMs > nowMs);
  if (valid.length === 0) {
    return { state: 'fail', message: 'none is valid: nobody can use the service. Make one with "pilotlight token".' };
  }
  const duplicates = records.length - new Set(records.map((record) => record.id)).size;
  if (duplicates > 0) return { state: 'fail', message: 'two have the same id; only one of them works. Remove one.' };
  return pass(`${valid.length} valid, of ${new Set(valid.map((record) => record.tenant)).size} tenants`);
}

function sealKey({ sealKey: key, store }: WarmerConfig): Omit<Finding, 'name'> {
  if (key !== undefined) return pass('is set');
  return store.kind === 'memory'
    ? pass('is not needed: nothing is stored')
    : {
        state: 'fail',
        message: 'is missing. Make one with "pilotlight token --seal-key" and set PILOTLIGHT_SEAL_KEY.',
      };
}

function runtimes({ runtimes: specs }: WarmerConfig): Omit<Finding, 'name'> {
  const registry = new RuntimeRegistry(Number.POSITIVE_INFINITY);
  for (const spec of specs) registry.register(undefined, { ...spec, name: String(spec.name) });
  if (specs.length === 0) return { state: 'warn', message: 'none: tenants have to declare their own.' };
  return pass(
    registry
      .all()
      .map((runtime) => runtime.name)
      .join(', '),
  );
}

async function provider({ provider: given, fleet }: WarmerConfig): Promise<Omit<Finding, 'name'>> {
  if (given.kind === 'local') return pass('the embedded host starts with the service');
  const { kind: _, ...connection } = given;
  let count = 0;
  for await (const __ of e2bProvider(connection).list({ metadata: { 'pilotlight-fleet': fleet } })) count += 1;
  return pass(`answers; ${count} sandboxes of fleet "${fleet}"`);
}

function exposure({ listen, cors }: WarmerConfig): Omit<Finding, 'name'> {
  const local = ['127.0.0.1', '::1', 'localhost'].includes(listen.host);
  if (!local && !listen.publicUrl?.startsWith('https:')) {
    return {
      state: 'warn',
      message: `listens on ${listen.host} without TLS of its own. Put a TLS proxy before it and set "listen.publicUrl".`,
    };
  }
  return pass(cors.origins.length === 0 ? 'no other site may use it' : `sites allowed: ${cors.origins.join(', ')}`);
}

function pass(message: string): Omit<Finding, 'name'> {
  return { state: 'pass', message };
}

const silent = { warn() {}, error() {} };
