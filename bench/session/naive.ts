import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from 'e2b';
import { configOf, port } from './workload.js';

/** Long enough for the server of this agent, whether it was started now or an hour ago. */
export const naiveSleepMs = 1_000;

/**
 * The usual chain before a message, as applications write it at first: everything is read, written and checked again, one
 * after the other, and what takes time is slept for.
 */
export async function naiveMessage(sandbox: Sandbox, model: string): Promise<void> {
  const config = configOf(model);
  await sandbox.isRunning();
  for (const [path, content] of Object.entries(config.files)) {
    await sandbox.files.exists(path);
    await sandbox.files.write(path, content);
  }
  await sandbox.files.write('.mcp.json', JSON.stringify({ mcpServers: config.mcp.servers }));
  for (const { run } of config.commands) await sandbox.commands.run(run);
  for (const { name, issue } of config.credentials) {
    const { value } = await issue({ signal: AbortSignal.timeout(1_000) });
    await sandbox.files.write('.env', `${name}=${value}\n`);
  }
  const running = await sandbox.commands.list();
  if (!running.some((process) => process.args.join(' ').includes('agent/server.cjs'))) {
    await sandbox.commands.run('node agent/server.cjs', { background: true, timeoutMs: 0 });
  }
  await sleep(naiveSleepMs);
  await sandbox.commands.run(`node -e "fetch('http://127.0.0.1:${port}').then((answer) => answer.text())"`);
}
