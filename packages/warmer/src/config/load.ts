import { parse } from 'yaml';
import { WarmerError } from '../errors.js';
import { configSchema, type WarmerConfig } from './schema.js';

/** Where a configuration comes from; later ones win. */
export interface ConfigSources {
  /** Text of a YAML or JSON file. */
  file?: { path: string; text: string } | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  /** `listen.port=7700`, as given with `--set`. */
  settings?: readonly string[];
}

const prefix = 'PILOTLIGHT_';

/** What E2B's own tools read, so that a machine set up for them needs nothing more. */
const familiar: Readonly<Record<string, readonly string[]>> = {
  E2B_API_KEY: ['provider', 'apiKey'],
  E2B_API_URL: ['provider', 'apiUrl'],
  E2B_SANDBOX_URL: ['provider', 'sandboxUrl'],
  E2B_DOMAIN: ['provider', 'domain'],
};

/**
 * One configuration out of file, environment (`PILOTLIGHT_LISTEN__PORT=7700`) and flags.
 *
 * @throws {@link WarmerError} `invalid_option` naming every wrong setting; values are not repeated, they may be secrets
 */
export function loadConfig(sources: ConfigSources): WarmerConfig {
  const tree = sources.file ? fileTree(sources.file) : {};
  for (const [name, path] of Object.entries(familiar)) {
    const value = sources.environment[name];
    if (value !== undefined && value !== '') put(tree, path, value);
  }
  for (const [name, value] of Object.entries(sources.environment)) {
    if (!name.startsWith(prefix) || value === undefined) continue;
    put(tree, name.slice(prefix.length).split('__').map(camelCase), scalar(value));
  }
  for (const setting of sources.settings ?? []) {
    const [path, ...rest] = setting.split('=');
    if (!path || rest.length === 0) throw invalid([`--set ${path}: write it as name=value`]);
    put(tree, path.split('.'), scalar(rest.join('=')));
  }
  const parsed = configSchema.safeParse(tree);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${[...issue.path, key].map(String).join('.')}: is not a setting`)
        : [`${issue.path.map(String).join('.') || '(configuration)'}: ${issue.message}`],
    ),
  );
}

function fileTree({ path, text }: { path: string; text: string }): Record<string, unknown> {
  try {
    const tree: unknown = parse(text) ?? {};
    if (typeof tree === 'object' && tree !== null && !Array.isArray(tree)) return tree as Record<string, unknown>;
  } catch (error) {
    throw new WarmerError('invalid_option', `${path} is neither YAML nor JSON. Correct it and start again.`, {
      cause: error,
    });
  }
  throw invalid([`${path}: must hold settings by name`]);
}

function put(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined || key === '__proto__') return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const child = tree[key];
  const next = typeof child === 'object' && child !== null ? (child as Record<string, unknown>) : {};
  tree[key] = next;
  put(next, rest, value);
}

/** Numbers, booleans and lists as YAML reads them; a secret that happens to be all digits stays what the schema wants. */
function scalar(value: string): unknown {
  if (/^[0-9a-f]{64}$/.test(value)) return value;
  try {
    return parse(value);
  } catch {
    return value;
  }
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function invalid(lines: readonly string[]): WarmerError {
  return new WarmerError(
    'invalid_option',
    `The configuration is not valid:\n${lines.map((line) => `  ${line}`).join('\n')}\nCorrect these settings and start again.`,
  );
}
