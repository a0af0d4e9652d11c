import type { SessionConfig } from '@pilotlight/sdk';

export const port = 7810;

/** A server that listens half a second after its start, as servers of agents do. */
const server = `setTimeout(() => require('node:http').createServer((_, answer) => answer.end('ok')).listen(${port}), 500)`;

/** What the agent of the benchmark needs: settings, instructions, an MCP config, a prepared folder, a server. */
export function configOf(
  model: string,
): Required<Pick<SessionConfig, 'files' | 'mcp' | 'commands' | 'servers' | 'credentials'>> {
  return {
    files: {
      'agent/settings.json': JSON.stringify({ model }),
      'agent/instructions.md': 'Answer briefly.\n'.repeat(40),
      'agent/server.cjs': server,
    },
    credentials: [{ name: 'AGENT_TOKEN', issue: () => ({ value: 'stand-in-token' }) }],
    mcp: { servers: { files: { command: 'files-server', args: ['--root', '/home/user'] } } },
    commands: [
      { name: 'workspace', run: 'mkdir -p workspace && cp agent/instructions.md workspace/', after: ['files'] },
    ],
    servers: [{ name: 'agent-server', command: 'exec node agent/server.cjs', port, after: ['files'] }],
  };
}
