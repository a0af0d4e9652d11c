import type { Clock } from '../clock.js';
import {
  type CreateRequest,
  ProviderError,
  type ProviderSandbox,
  type ProviderSandboxInfo,
  type ProviderSnapshotInfo,
  type RunOptions,
  type RunResult,
  type SandboxConnection,
  type SandboxFile,
  type SandboxProvider,
} from '../provider.js';

export type FakeOperation =
  | 'create'
  | 'connect'
  | 'list'
  | 'info'
  | 'kill'
  | 'setTimeout'
  | 'pause'
  | 'createSnapshot'
  | 'deleteSnapshot'
  | 'listSnapshots'
  | 'run'
  | 'start'
  | 'writeFiles';

interface FakeState {
  info: ProviderSandboxInfo;
  files: Map<string, string>;
  visibleFromMs: number;
}

/** A provider in memory with the properties that matter to a pool: ends of life, a list that may lag, room that may run out. */
export class FakeProvider implements SandboxProvider {
  readonly name = 'fake';
  readonly sandboxes = new Map<string, FakeState>();
  readonly snapshots = new Set<string>();
  readonly #snapshotNames = new Map<string, string>();
  /** Every call that was made, in order. */
  readonly log: string[] = [];
  /** Ids of sandboxes that were killed, in order. */
  readonly killed: string[] = [];
  maxRunning = Number.POSITIVE_INFINITY;
  /** How long a new sandbox is missing from the list. */
  listLagMs = 0;
  created = 0;
  /** Most sandboxes that ever were at once. */
  peak = 0;
  /** What a command answers. */
  answer: (command: string, sandboxId: string, options: RunOptions) => Promise<RunResult> | RunResult = () => ok;
  /** Passed before a call has its effect; throws, waits or does nothing. */
  before: (operation: FakeOperation, subject: string) => Promise<void> | void = () => undefined;
  /** Passed after it had its effect: what it throws is an answer that was lost. */
  after: (operation: FakeOperation, subject: string) => Promise<void> | void = () => undefined;
  readonly #clock: Clock;
  #count = 0;
  #captures = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sandboxes that exist now, those whose life is over removed. */
  alive(): ProviderSandboxInfo[] {
    for (const [id, { info }] of this.sandboxes) {
      if (info.state === 'running' && info.endsAtMs <= this.#clock.nowMs()) this.sandboxes.delete(id);
    }
    return [...this.sandboxes.values()].map(({ info }) => info);
  }

  count(operation: FakeOperation): number {
    return this.log.filter((entry) => entry.startsWith(`${operation} `)).length;
  }

  create(request: CreateRequest): Promise<ProviderSandbox> {
    return this.#call('create', request.template, () => {
      const running = this.alive().filter((info) => info.state === 'running').length;
      if (running >= this.maxRunning) throw new ProviderError('capacity', 'The plan has no room.');
      const known =
        request.template === 'base' || request.template.startsWith('template-') || this.snapshots.has(request.template);
      if (!known) throw new ProviderError('gone', `There is no template ${request.template}.`);
      this.#count += 1;
      this.created += 1;
      const sandboxId = `sandbox-${this.#count}`;
      const startedAtMs = this.#clock.nowMs();
      const info: ProviderSandboxInfo = {
        sandboxId,
        state: 'running',
        template: request.template,
        metadata: request.metadata,
        startedAtMs,
        endsAtMs: startedAtMs + request.timeoutMs,
      };
      this.sandboxes.set(sandboxId, { info, files: new Map(), visibleFromMs: startedAtMs + this.listLagMs });
      this.peak = Math.max(this.peak, this.alive().length);
      return this.attach(connectionOf(sandboxId));
    });
  }

  connect(sandboxId: string, { timeoutMs }: { timeoutMs: number }): Promise<ProviderSandbox> {
    return this.#call('connect', sandboxId, () => {
      const state = this.#get(sandboxId);
      const endsAtMs = this.#clock.nowMs() + timeoutMs;
      state.info = {
        ...state.info,
        state: 'running',
        endsAtMs: state.info.state === 'paused' ? endsAtMs : Math.max(state.info.endsAtMs, endsAtMs),
      };
      return this.attach(connectionOf(sandboxId));
    });
  }

  attach(connection: SandboxConnection): ProviderSandbox {
    const { sandboxId } = connection;
    return {
      sandboxId,
      connection,
      run: (command, options = {}) =>
        this.#call('run', sandboxId, async () => {
          this.#get(sandboxId);
          const result = await raceAbort(this.answer(command, sandboxId, options), options.signal);
          if (result.stdout) options.onOutput?.(result.stdout);
          return result;
        }),
      start: () => this.#call('start', sandboxId, () => ({ pid: this.#get(sandboxId).files.size + 1 })),
      writeFiles: (files) => this.#call('writeFiles', sandboxId, () => this.#write(sandboxId, files)),
      readFile: async (path) => this.#get(sandboxId).files.get(path),
    };
  }

  async *list({ metadata }: { metadata: Record<string, string> }): AsyncIterable<ProviderSandboxInfo> {
    const infos = await this.#call('list', JSON.stringify(metadata), () => {
      const nowMs = this.#clock.nowMs();
      this.alive();
      return [...this.sandboxes.values()]
        .filter(({ visibleFromMs }) => visibleFromMs <= nowMs)
        .map(({ info }) => info)
        .filter((info) => Object.entries(metadata).every(([key, value]) => info.metadata[key] === value));
    });
    yield* infos;
  }

  info(sandboxId: string): Promise<ProviderSandboxInfo | undefined> {
    return this.#call('info', sandboxId, () => this.alive().find((info) => info.sandboxId === sandboxId));
  }

  kill(sandboxId: string): Promise<boolean> {
    return this.#call('kill', sandboxId, () => {
      if (this.sandboxes.has(sandboxId)) this.killed.push(sandboxId);
      return this.sandboxes.delete(sandboxId);
    });
  }

  setTimeout(sandboxId: string, timeoutMs: number): Promise<void> {
    return this.#call('setTimeout', sandboxId, () => {
      const state = this.#get(sandboxId);
      state.info = { ...state.info, endsAtMs: this.#clock.nowMs() + timeoutMs };
    });
  }

  pause(sandboxId: string): Promise<void> {
    return this.#call('pause', sandboxId, () => {
      const state = this.#get(sandboxId);
      state.info = { ...state.info, state: 'paused', endsAtMs: this.#clock.nowMs() };
    });
  }

  createSnapshot(sandboxId: string, { name }: { name?: string } = {}): Promise<{ snapshotId: string }> {
    return this.#call('createSnapshot', sandboxId, () => {
      this.#get(sandboxId);
      this.#captures += 1;
      const snapshotId = `snapshot-${this.#captures}`;
      this.snapshots.add(snapshotId);
      if (name !== undefined) this.#snapshotNames.set(snapshotId, `project/${name}:default`);
      return { snapshotId };
    });
  }

  async *listSnapshots(): AsyncIterable<ProviderSnapshotInfo> {
    yield* await this.#call('listSnapshots', '', () =>
      [...this.snapshots].map((snapshotId) => {
        const name = this.#snapshotNames.get(snapshotId);
        return { snapshotId, names: name === undefined ? [] : [name] };
      }),
    );
  }

  deleteSnapshot(snapshotId: string): Promise<boolean> {
    return this.#call('deleteSnapshot', snapshotId, () => this.snapshots.delete(snapshotId));
  }

  async #call<Value>(operation: FakeOperation, subject: string, effect: () => Value | Promise<Value>): Promise<Value> {
    this.log.push(`${operation} ${subject}`);
    await this.before(operation, subject);
    const value = await effect();
    await this.after(operation, subject);
    return value;
  }

  #get(sandboxId: string): FakeState {
    this.alive();
    const state = this.sandboxes.get(sandboxId);
    if (!state) throw new ProviderError('gone', `There is no sandbox ${sandboxId}.`);
    return state;
  }

  #write(sandboxId: string, files: readonly SandboxFile[]): void {
    const state = this.#get(sandboxId);
    for (const { path, content } of files)
      state.files.set(path, typeof content === 'string' ? content : `${content.length} bytes`);
  }
}

const ok: RunResult = { exitCode: 0, stdout: '', stderr: '' };

function connectionOf(sandboxId: string): SandboxConnection {
  return { sandboxId, envdVersion: '0.6.13', envdAccessToken: `token-of-${sandboxId}` };
}

function raceAbort<Value>(work: Value | Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (!signal) return Promise.resolve(work);
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
