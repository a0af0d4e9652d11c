import { Sandbox, type SandboxConnectOpts, type SandboxInfo } from 'e2b';
import {
  type CreateRequest,
  ProviderError,
  type ProviderSandbox,
  type ProviderSandboxInfo,
  type ProviderSnapshotInfo,
  type SandboxConnection,
  type SandboxProvider,
} from '../provider.js';
import { providerErrorOf } from './e2b-errors.js';
import { E2bSandbox } from './e2b-sandbox.js';

/** Options of {@link e2bProvider}: those of E2B's own `Sandbox`, with the same defaults from the same environment variables. */
export interface E2bProviderOptions {
  /** @default `E2B_API_KEY` */
  apiKey?: string | undefined;
  /** @default `E2B_API_URL`, else `https://api.<domain>` */
  apiUrl?: string | undefined;
  /** @default `E2B_SANDBOX_URL`, else by domain */
  sandboxUrl?: string | undefined;
  /** @default `E2B_DOMAIN`, else `e2b.app` */
  domain?: string | undefined;
  /** In milliseconds. @default 60_000 */
  requestTimeoutMs?: number | undefined;
  headers?: Record<string, string> | undefined;
  /** Headers of the moment, for example the trace under way; asked for with each request. @default none */
  requestHeaders?: (() => Record<string, string>) | undefined;
  proxy?: string | undefined;
  /** The class to work with, for one bound by `new E2B(…)`. @default E2B's `Sandbox` */
  Sandbox?: typeof Sandbox | undefined;
}

/**
 * Sandboxes of E2B, or of whoever speaks its protocol, through the unmodified `e2b` package.
 *
 * @example
 * ```ts
 * const manager = new RuntimeWarmingManager({ provider: e2bProvider(), runtimes: [nodeTypescript] });
 * ```
 */
export function e2bProvider(options: E2bProviderOptions = {}): SandboxProvider {
  return new E2bProvider(options);
}

/** Longest wait for a request whose answer nobody needs, in milliseconds. */
const keepTimeoutMs = 5_000;

/** Domains whose sandboxes the package reaches at one address, by a header. */
const sharedDomains = new Set(['e2b.app', 'e2b.dev', 'e2b.pro', 'e2b-staging.dev']);

class E2bProvider implements SandboxProvider {
  readonly name = 'e2b';
  readonly #Sandbox: typeof Sandbox;
  readonly #options: SandboxConnectOpts;
  readonly #requestHeaders: (() => Record<string, string>) | undefined;
  readonly #apiUrl: string;

  constructor({ Sandbox: given = Sandbox, requestHeaders, ...connection }: E2bProviderOptions) {
    this.#Sandbox = given;
    this.#requestHeaders = requestHeaders;
    this.#options = Object.fromEntries(Object.entries(connection).filter(([, value]) => value !== undefined));
    const domain = connection.domain ?? process.env.E2B_DOMAIN ?? 'e2b.app';
    this.#apiUrl = connection.apiUrl ?? process.env.E2B_API_URL ?? `https://api.${domain}`;
  }

  get #connection(): SandboxConnectOpts {
    if (!this.#requestHeaders) return this.#options;
    return { ...this.#options, headers: { ...this.#options.headers, ...this.#requestHeaders() } };
  }

  create(request: CreateRequest): Promise<ProviderSandbox> {
    return this.#call('create a sandbox', 'lost', async () => {
      const sandbox = await this.#Sandbox.create(request.template, {
        ...this.#connection,
        timeoutMs: request.timeoutMs,
        metadata: request.metadata,
        ...(request.allowInternetAccess === false ? { allowInternetAccess: false } : {}),
        ...(request.signal ? { signal: request.signal } : {}),
      });
      return this.#wrap(sandbox);
    });
  }

  connect(sandboxId: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<ProviderSandbox> {
    return this.#call(`connect to sandbox ${sandboxId}`, 'failed', async () =>
      this.#wrap(await this.#Sandbox.connect(sandboxId, { ...this.#connection, ...options })),
    );
  }

  attach(connection: SandboxConnection): ProviderSandbox {
    return new E2bSandbox(this.#sandboxOf(connection), connection, this.#apiUrl);
  }

  async *list(filter: { metadata: Record<string, string>; signal?: AbortSignal }): AsyncIterable<ProviderSandboxInfo> {
    const paginator = this.#Sandbox.list({ ...this.#connection, query: { metadata: filter.metadata } });
    const signal = filter.signal ? { signal: filter.signal } : {};
    while (paginator.hasNext) {
      const page = await this.#call('list sandboxes', 'failed', () => paginator.nextItems(signal));
      if (!Array.isArray(page)) throw malformed('list sandboxes');
      for (const info of page) {
        const checked = infoOf(info);
        if (checked) yield checked;
      }
    }
  }

  async info(sandboxId: string, options: { signal?: AbortSignal } = {}): Promise<ProviderSandboxInfo | undefined> {
    try {
      const info = await this.#call(`look up sandbox ${sandboxId}`, 'failed', () =>
        this.#Sandbox.getInfo(sandboxId, { ...this.#connection, ...options }),
      );
      const checked = infoOf(info);
      if (!checked) throw malformed(`look up sandbox ${sandboxId}`);
      return checked;
    } catch (error) {
      if (error instanceof ProviderError && error.failure === 'gone') return undefined;
      throw error;
    }
  }

  kill(sandboxId: string, options: { signal?: AbortSignal } = {}): Promise<boolean> {
    return this.#call(`kill sandbox ${sandboxId}`, 'failed', () =>
      this.#Sandbox.kill(sandboxId, { ...this.#connection, ...options }),
    );
  }

  setTimeout(sandboxId: string, timeoutMs: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#call(`set the timeout of sandbox ${sandboxId}`, 'failed', () =>
      this.#Sandbox.setTimeout(sandboxId, timeoutMs, { ...this.#connection, ...options }),
    );
  }

  /** `pause` of the package answers false both for "paused already" and for "cannot be paused now": the state decides. */
  async pause(sandboxId: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    const action = `pause sandbox ${sandboxId}`;
    const paused = await this.#call(action, 'failed', () =>
      this.#Sandbox.pause(sandboxId, { ...this.#connection, ...options }),
    );
    if (paused) return;
    const info = await this.info(sandboxId, options);
    if (info?.state === 'paused') return;
    throw new ProviderError(info ? 'failed' : 'gone', `E2B could not ${action}: it is ${info?.state ?? 'gone'}.`);
  }

  createSnapshot(
    sandboxId: string,
    options: { name?: string; signal?: AbortSignal } = {},
  ): Promise<{ snapshotId: string }> {
    return this.#call(`capture a snapshot of sandbox ${sandboxId}`, 'lost', async () => {
      const { snapshotId } = await this.#Sandbox.createSnapshot(sandboxId, { ...this.#connection, ...options });
      return { snapshotId };
    });
  }

  async *listSnapshots(options: { signal?: AbortSignal } = {}): AsyncIterable<ProviderSnapshotInfo> {
    const paginator = this.#Sandbox.listSnapshots(this.#connection);
    while (paginator.hasNext) {
      const page = await this.#call('list snapshots', 'failed', () => paginator.nextItems(options));
      if (!Array.isArray(page)) throw malformed('list snapshots');
      for (const { snapshotId, names } of page) yield { snapshotId, names: Array.isArray(names) ? names : [] };
    }
  }

  deleteSnapshot(snapshotId: string, options: { signal?: AbortSignal } = {}): Promise<boolean> {
    return this.#call(`delete snapshot ${snapshotId}`, 'failed', () =>
      this.#Sandbox.deleteSnapshot(snapshotId, { ...this.#connection, ...options }),
    );
  }

  /** The package keeps its connections by itself; one cheap request opens the first and loads its lazy modules. */
  async preconnect(): Promise<void> {
    for await (const _ of this.list({ metadata: { 'pilotlight.preconnect': 'none' } })) return;
  }

  /**
   * The package has connections of its own for the API, for commands and for files. Where all sandboxes are reached at one
   * address, one of them stands for all. Over HTTP/1.1 two are kept for commands, so that one is free while the other is used here.
   */
  async keepConnected(connections: readonly SandboxConnection[]): Promise<void> {
    const places = new Map(connections.map((connection) => [this.#placeOf(connection), connection]));
    const [first] = connections;
    await Promise.allSettled([
      first && this.#Sandbox.getInfo(first.sandboxId, this.#connection),
      ...[...places.values()].flatMap((connection) => {
        const sandbox = this.#sandboxOf(connection);
        const limit = { requestTimeoutMs: keepTimeoutMs };
        return [sandbox.commands.list(limit), sandbox.commands.list(limit), sandbox.isRunning(limit)];
      }),
    ]);
  }

  /** Where the package sends what is for a sandbox. */
  #placeOf({ sandboxId, sandboxDomain }: SandboxConnection): string {
    const fixed = this.#connection.sandboxUrl ?? process.env.E2B_SANDBOX_URL;
    if (fixed !== undefined) return fixed;
    const domain = sandboxDomain ?? this.#connection.domain ?? process.env.E2B_DOMAIN ?? 'e2b.app';
    return sharedDomains.has(domain) ? domain : `${sandboxId}.${domain}`;
  }

  #sandboxOf(connection: SandboxConnection): Sandbox {
    const { sandboxId, envdVersion, sandboxDomain, envdAccessToken, trafficAccessToken } = connection;
    return new this.#Sandbox({
      ...this.#connection,
      sandboxId,
      envdVersion,
      ...(sandboxDomain === undefined ? {} : { sandboxDomain }),
      ...(envdAccessToken === undefined ? {} : { envdAccessToken }),
      ...(trafficAccessToken === undefined ? {} : { trafficAccessToken }),
    });
  }

  #wrap(sandbox: Sandbox): ProviderSandbox {
    return new E2bSandbox(sandbox, connectionOf(sandbox), this.#apiUrl);
  }

  async #call<Value>(action: string, late: 'lost' | 'failed', work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw providerErrorOf(error, { action, apiUrl: this.#apiUrl, late: late === 'lost' ? 'lost' : 'timeout' });
    }
  }
}

/** The token is there on every handle; the package only hides it from the compiler. */
function connectionOf(sandbox: Sandbox): SandboxConnection {
  const text = (name: string) => {
    const value: unknown = Reflect.get(sandbox, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const envdVersion = text('envdVersion') ?? envdVersionOf(sandbox);
  if (envdVersion === undefined) throw malformed('create a sandbox');
  return {
    sandboxId: sandbox.sandboxId,
    sandboxDomain: sandbox.sandboxDomain,
    envdVersion,
    envdAccessToken: text('envdAccessToken'),
    trafficAccessToken: text('trafficAccessToken'),
  };
}

function envdVersionOf(sandbox: Sandbox): string | undefined {
  const api: unknown = Reflect.get(sandbox, 'envdApi');
  const version: unknown = typeof api === 'object' && api !== null ? Reflect.get(api, 'version') : undefined;
  return typeof version === 'string' ? version : undefined;
}

/** Undefined for an entry the engine could not decide by. */
function infoOf(info: SandboxInfo): ProviderSandboxInfo | undefined {
  const startedAtMs = info?.startedAt instanceof Date ? info.startedAt.getTime() : Number.NaN;
  const endsAtMs = info?.endAt instanceof Date ? info.endAt.getTime() : Number.NaN;
  if (typeof info?.sandboxId !== 'string' || Number.isNaN(startedAtMs) || Number.isNaN(endsAtMs)) return undefined;
  const state: string = info.state;
  return {
    sandboxId: info.sandboxId,
    state: state === 'running' || state === 'paused' ? state : 'unknown',
    template: info.templateId,
    metadata: typeof info.metadata === 'object' && info.metadata !== null ? info.metadata : {},
    startedAtMs,
    endsAtMs,
  };
}

function malformed(action: string): ProviderError {
  return new ProviderError(
    'failed',
    `E2B's answer to "${action}" makes no sense. Check that E2B_API_URL points to an E2B API.`,
  );
}
