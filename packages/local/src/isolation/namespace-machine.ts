import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AgentChannel } from './agent-channel.js';
import { AgentFiles } from './agent-files.js';
import { Frame } from './channel-frames.js';
import type { Machine, MachineUsage, RunRequest, SealedFiles } from './machine.js';
import { TaskError } from './spawner.js';

/** What a machine asks of the spawner that started it. */
export interface MachineControls {
  onEgress: (connection: Duplex) => void;
  kill: () => void;
  /** Present when the sandbox is frozen from outside; otherwise its agent stops and continues its processes. */
  freezer?: { freeze: () => Promise<void>; thaw: () => Promise<void> } | undefined;
  hasVolumes: boolean;
  relayer: (generation: number, layers: readonly string[]) => Promise<void>;
}

/** The spawner's status for a sandbox that was left half-way between two generations. */
const brokenStatus = 2;

/** A sandbox in namespaces: its agent does what is asked of it. */
export class NamespaceMachine implements Machine {
  readonly files: AgentFiles;
  readonly ended: Promise<void>;
  generation = 0;
  private nextGeneration = 1;
  /** What was used when there was no process but the agent, and what the channel had seen by then. */
  private idle: { usage: MachineUsage; activity: number } | undefined;
  private readonly channel: AgentChannel;
  private readonly controls: MachineControls;

  constructor(socket: Socket, ended: Promise<void>, controls: MachineControls) {
    this.controls = controls;
    this.ended = ended;
    this.channel = new AgentChannel(socket, controls.onEgress, () => controls.kill());
    this.files = new AgentFiles(this.channel);
    void ended.then(() => this.channel.close());
  }

  run(request: RunRequest) {
    return this.channel.run(request, 'exec');
  }

  connect(port: number) {
    return this.channel.connect(port);
  }

  async freeze(): Promise<void> {
    await (this.controls.freezer?.freeze() ?? this.channel.ask(Frame.freeze));
  }

  async thaw(): Promise<void> {
    await (this.controls.freezer?.thaw() ?? this.channel.ask(Frame.thaw));
  }

  async sealLive(seal: () => SealedFiles): Promise<readonly string[] | undefined> {
    // A new root cannot be put below volumes that are in use.
    if (this.controls.hasVolumes) {
      return undefined;
    }
    const running = (await this.channel.ask(Frame.hold)).readUInt32BE(0);
    if (running > 0) {
      return undefined;
    }
    try {
      const sealed = seal();
      const generation = this.nextGeneration++;
      try {
        await this.controls.relayer(generation, sealed.layers);
      } catch (error) {
        if (error instanceof TaskError && error.status !== brokenStatus) {
          sealed.undo();
          return undefined;
        }
        this.controls.kill();
        throw error;
      }
      this.generation = generation;
      return sealed.layers;
    } finally {
      await this.channel.ask(Frame.release);
    }
  }

  /** A sandbox in which nothing ran and nothing was started since is not woken to say so: hundreds may be alive. */
  async usage(): Promise<MachineUsage> {
    if (this.idle?.activity === this.channel.activity) {
      return this.idle.usage;
    }
    const answer = await this.channel.ask(Frame.usage);
    const usage = { memoryBytes: Number(answer.readBigUInt64LE(0)), cpuTicks: Number(answer.readBigUInt64LE(8)) };
    this.idle = answer.readUInt32LE(16) === 1 ? { usage, activity: this.channel.activity } : undefined;
    return usage;
  }

  entered(): void {
    this.channel.activity += 1;
  }

  async kill(): Promise<void> {
    this.controls.kill();
    await this.ended;
  }
}
