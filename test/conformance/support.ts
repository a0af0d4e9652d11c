import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalHost, type LocalHostOptions, startLocalHost } from '@pilotlight/local';
import { E2B } from 'e2b';
import { afterAll, beforeAll } from 'vitest';

/** A host of its own for one test file, and the unmodified SDK bound to it. */
export interface Conformance {
  host: LocalHost;
  e2b: E2B;
  stateDirectory: string;
}

export function useHost(options: LocalHostOptions = {}): Conformance {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'pl-'));
  const conformance = { stateDirectory } as Conformance;
  beforeAll(async () => {
    conformance.host = await startLocalHost({ stateDirectory, ...options });
    conformance.e2b = new E2B(conformance.host.connectionOptions);
  });
  afterAll(async () => {
    await conformance.host?.close();
    const left = existsSync(stateDirectory) ? readdirSync(stateDirectory) : [];
    rmSync(stateDirectory, { recursive: true, force: true });
    if (left.length > 0) {
      throw new Error(`the host left ${left.join(', ')} behind`);
    }
  });
  return conformance;
}

/** Polls for a condition that another process brings about. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > endMs) {
      throw new Error(`${what}: not within ${limitMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
