import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Frame } from './channel-frames.js';
import { MessageReader } from './frames.js';
import { NamespaceMachine } from './namespace-machine.js';

describe('what a sandbox uses', () => {
  let directory: string;
  let server: Server;
  let agent: Socket;
  let machine: NamespaceMachine;
  /** Processes of the sandbox, the agent among them, and how often it was asked. */
  let processes = 1;
  let asked = 0;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pl-machine-'));
    const path = join(directory, 'agent.sock');
    asked = 0;
    processes = 1;
    const arrived = new Promise<Socket>((resolve) => {
      server = createServer(resolve).listen(path);
    });
    agent = connect(path);
    const frames = new MessageReader(9, 65_536);
    agent.on('data', (chunk: Buffer) => {
      for (const { header } of frames.read(chunk)) {
        if (header[4] === Frame.usage) {
          tell(header.readUInt32BE(5));
        }
      }
    });
    const tell = (id: number) => {
      asked += 1;
      const answer = Buffer.alloc(9 + 20);
      answer.writeUInt32BE(20);
      answer.writeUInt8(Frame.answer, 4);
      answer.writeUInt32BE(id, 5);
      answer.writeBigUInt64LE(BigInt(asked * 1000), 9);
      answer.writeUInt32LE(processes, 25);
      agent.write(answer);
    };
    const controls = { onEgress: () => {}, kill: () => {}, hasVolumes: false, relayer: () => Promise.resolve() };
    machine = new NamespaceMachine(await arrived, new Promise(() => {}), controls);
  });
  afterEach(() => {
    agent.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  });

  const memory = async () => (await machine.usage()).memoryBytes;

  it('is asked once while nothing runs in it and nothing is started', async () => {
    expect([await memory(), await memory(), asked]).toEqual([1000, 1000, 1]);
    machine.entered();
    expect([await memory(), await memory(), asked]).toEqual([2000, 2000, 2]);
  });

  it('is asked anew after anything was said to it, and each time while a process runs', async () => {
    await memory();
    void machine.connect(80).catch(() => {});
    processes = 2;
    expect([await memory(), await memory(), asked]).toEqual([2000, 3000, 3]);
  });
});
