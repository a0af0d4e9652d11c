// Runs inside the sandbox: keeps one typescript-language-server initialised with the project open, and lets one client
// after another attach to it over a WebSocket. `initialize` is answered with the kept result, everything else is passed on.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import rpc from 'vscode-jsonrpc/node.js';
import { WebSocketServer } from 'ws';

const root = process.cwd();
const uri = `file://${root}/src/index.ts`;
const child = spawn('node_modules/.bin/typescript-language-server', ['--stdio'], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const server = rpc.createMessageConnection(
  new rpc.StreamMessageReader(child.stdout),
  new rpc.StreamMessageWriter(child.stdin),
);
server.listen();
server.onRequest('window/workDoneProgress/create', () => null);

const initialized = await server.sendRequest('initialize', {
  processId: process.pid,
  rootUri: `file://${root}`,
  workspaceFolders: [{ uri: `file://${root}`, name: 'project' }],
  capabilities: {},
});
await server.sendNotification('initialized', {});
await server.sendNotification('textDocument/didOpen', {
  textDocument: { uri, languageId: 'typescript', version: 1, text: readFileSync('src/index.ts', 'utf8') },
});
// The first answer about the document means that the whole project was read.
await server.sendRequest('textDocument/hover', { textDocument: { uri }, position: { line: 0, character: 14 } });

new WebSocketServer({ port: 2087 }).on('connection', (socket) => {
  socket.on('message', async (data) => {
    const { id, method, params } = JSON.parse(String(data));
    const result = method === 'initialize' ? initialized : await server.sendRequest(method, params);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
});
writeFileSync('language-server.ready', '');
