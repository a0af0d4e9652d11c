import { RateLimitError, Sandbox, type SandboxOpts } from 'e2b';

/** The program under test: ordinary E2B code that knows nothing of Pilotlight. It runs a snippet and must cope with a bad day. */
export async function runSnippet(code: string, connection: SandboxOpts = {}): Promise<string> {
  const sandbox = await createPatiently(connection);
  try {
    await sandbox.files.write('snippet.py', code);
    return (await sandbox.commands.run('python3 snippet.py')).stdout.trim();
  } finally {
    await sandbox.kill();
  }
}

/** Three attempts: a plan's concurrency is often free again a moment later. */
async function createPatiently(connection: SandboxOpts, attempts = 3): Promise<Sandbox> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await Sandbox.create('base', { ...connection, timeoutMs: 60_000 });
    } catch (error) {
      if (!(error instanceof RateLimitError) || attempt === attempts) throw error;
    }
  }
}
