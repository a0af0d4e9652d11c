import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Frame } from './channel-frames.js';
import { MessageReader, unpackFields } from './frames.js';
import { type IsolationLevel, type Machine, MachineError, type MachineFactory, type MachineSpec } from './machine.js';
import { NamespaceMachine } from './namespace-machine.js';
import type { Spawner } from './spawner.js';

export interface NamespaceSettings {
  instanceDirectory: string;
  perl: string;
  /** Where the spawner's programs are. */
  assets: string;
  /** Top-level directories of the system that are shown read-only, such as `usr`. */
  systemDirectories: readonly string[];
  /** More of the host shown read-only: from a host path to a sandbox path. */
  binds: Readonly<Record<string, string>>;
  /** Directories of the system that are shown empty. */
  hidden: readonly string[];
  /** The spawner was told to limit sandboxes. */
  hardened: boolean;
  /** Every sandbox has host user ids that no other has. */
  ownRanges: boolean;
  processLimit: number;
  memoryLimitBytes: number;
  cpuLimit: number;
  egressPort: number;
  /** Called for each outgoing connection a sandbox opens through its proxy port. */
  onEgress: (sandboxId: string, connection: Duplex) => void;
}

interface Arrival {
  resolve: (socket: Socket) => void;
  reject: (error: Error) => void;
}

/** Sandboxes in Linux namespaces, each with an agent that connects back to the host's socket. */
export class NamespaceFactory implements MachineFactory {
  readonly level: IsolationLevel;
  private readonly arrivals = new Map<string, Arrival>();
  private readonly machines = new Set<NamespaceMachine>();
  private server: Server | undefined;
  private readonly spawner: Spawner;
  private readonly settings: NamespaceSettings;

  constructor(spawner: Spawner, settings: NamespaceSettings) {
    this.spawner = spawner;
    this.settings = settings;
    this.level = settings.hardened ? 'hardened' : 'namespaces';
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => this.arrive(socket));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: join(this.settings.instanceDirectory, 'agent.sock'), backlog: 1024 }, resolve);
    });
  }

  async create(spec: MachineSpec): Promise<Machine> {
    const nonce = randomBytes(12).toString('hex');
    const key = `${spec.id} ${nonce}`;
    let exited: (reason: string) => void = () => {};
    const ended = new Promise<void>((resolve) => {
      exited = (reason) => {
        this.arrivals.get(key)?.reject(new MachineError('resources', `the sandbox could not be started: ${reason}`));
        resolve();
      };
    });
    const arrival = new Promise<Socket>((resolve, reject) => {
      this.arrivals.set(key, { resolve, reject });
    });
    this.spawner.create(spec.id, this.describe(spec, nonce, 0), exited);
    try {
      const socket = await arrival;
      const machine = new NamespaceMachine(socket, ended, {
        onEgress: (connection) => this.settings.onEgress(spec.id, connection),
        kill: () => this.spawner.kill(spec.id),
        freezer: this.settings.hardened
          ? { freeze: () => this.spawner.freeze(spec.id), thaw: () => this.spawner.thaw(spec.id) }
          : undefined,
        hasVolumes: (spec.volumes ?? []).length > 0,
        relayer: (generation, layers) => {
          const settings = this.describe({ ...spec, layers }, nonce, generation);
          return this.spawner.relayer({ id: spec.id, ...settings });
        },
      });
      this.machines.add(machine);
      void ended.then(() => this.machines.delete(machine));
      return machine;
    } finally {
      this.arrivals.delete(key);
    }
  }

  hurry(id: string): void {
    this.spawner.hurry(id);
  }

  task(command: readonly string[]): Promise<void> {
    return this.spawner.task(command);
  }

  merge(target: string, base: string, layers: readonly string[]): Promise<void> {
    return this.spawner.task([this.settings.perl, join(this.settings.assets, 'merge.pl'), target, base, ...layers]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.machines].map((machine) => machine.kill()));
    this.server?.close();
    await this.spawner.close();
  }

  /** The socket's name is free again for another factory of the same spawner. */
  async stopListening(): Promise<void> {
    await new Promise((resolve) => this.server?.close(resolve));
  }

  private describe(spec: MachineSpec, nonce: string, generation: number): Record<string, string> {
    return {
      nonce,
      generation: String(generation),
      hostname: spec.hostname,
      boot: spec.bootId,
      layers: spec.layers.join(':'),
      system: this.settings.systemDirectories.join(':'),
      binds: Object.entries(this.settings.binds)
        .map(([from, to]) => `${from}>${to}`)
        .join(':'),
      volumes: (spec.volumes ?? []).map(({ source, target }) => `${source}>${target}`).join(':'),
      hidden: this.settings.hidden.join(':'),
      processes: String(this.settings.processLimit),
      memory: String(this.settings.memoryLimitBytes),
      cpus: String(this.settings.cpuLimit),
      proxy: String(this.settings.egressPort),
      ahead: spec.ahead ? '1' : '',
      ownRange: this.settings.ownRanges ? '1' : '',
    };
  }

  /** The first frame says whose agent it is; a connection that says anything else is closed. */
  private arrive(socket: Socket): void {
    const reader = new MessageReader(9, 65_536);
    socket.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      try {
        for (const { header, body } of reader.read(chunk)) {
          const [id = '', nonce = '', reason = ''] = unpackFields(body).map((field) => field.toString());
          const arrival = this.arrivals.get(`${id} ${nonce}`);
          if (header[4] === Frame.ready && arrival) {
            arrival.resolve(socket);
            return;
          }
          arrival?.reject(new MachineError('resources', `the sandbox could not be started: ${reason.trim()}`));
        }
      } catch {
        // Falls through to closing the connection.
      }
      socket.destroy();
    });
  }
}
