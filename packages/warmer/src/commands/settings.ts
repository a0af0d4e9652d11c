import { existsSync, readFileSync } from 'node:fs';
import { loadConfig } from '../config/load.js';
import type { WarmerConfig } from '../config/schema.js';

/** Flags that every command with a configuration takes. */
export const settingFlags = {
  config: { type: 'string', description: 'YAML or JSON file (default: pilotlight.yaml when it is there)' },
  host: { type: 'string', description: 'Address to listen on' },
  port: { type: 'string', description: 'Port to listen on; 0 takes a free one' },
  set: { type: 'string', description: 'Any setting, as name=value; separate several with commas' },
} as const;

export interface SettingArguments {
  config?: string | undefined;
  host?: string | undefined;
  port?: string | undefined;
  set?: string | undefined;
}

const usualFile = 'pilotlight.yaml';

/** File, environment and flags in one; `more` stands before the flags and after the environment. */
export function settingsOf(given: SettingArguments, more: readonly string[] = []): WarmerConfig {
  const path = given.config ?? (existsSync(usualFile) ? usualFile : undefined);
  return loadConfig({
    file: path === undefined ? undefined : { path, text: readFileSync(path, 'utf8') },
    environment: process.env,
    settings: [
      ...more,
      ...(given.host === undefined ? [] : [`listen.host=${given.host}`]),
      ...(given.port === undefined ? [] : [`listen.port=${given.port}`]),
      ...(given.set === undefined ? [] : given.set.split(',')),
    ],
  });
}
