import type { ProviderSandbox, SandboxConnection, SandboxProvider } from '@pilotlight/warming';

/** A provider that does everything at once and nothing really, so that what is left is the engine's own share. */
export function nullProvider(onCreate: () => void = () => undefined): SandboxProvider {
  let count = 0;
  const attach = (connection: SandboxConnection): ProviderSandbox => ({
    sandboxId: connection.sandboxId,
    connection,
    run: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
    start: async () => ({ pid: 1 }),
    writeFiles: async () => undefined,
    readFile: async () => undefined,
  });
  return {
    name: 'null',
    attach,
    async create() {
      onCreate();
      count += 1;
      return attach({ sandboxId: `sandbox-${count}`, envdVersion: '0.6.13' });
    },
    connect: async (sandboxId) => attach({ sandboxId, envdVersion: '0.6.13' }),
    async *list() {},
    info: async (sandboxId) => ({
      sandboxId,
      state: 'running',
      template: 'base',
      metadata: {},
      startedAtMs: Date.now(),
      endsAtMs: Date.now() + 3_600_000,
    }),
    kill: async () => true,
    setTimeout: async () => undefined,
  };
}
