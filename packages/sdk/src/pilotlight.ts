import {
  type Claim,
  type ClaimAnswer,
  defineRuntime,
  type MemoryInjection,
  RuntimeWarmingManager,
} from '@pilotlight/warming';
import { e2bProvider } from '@pilotlight/warming/e2b';
import { Sandbox } from 'e2b';
import { type ConnectionOptions, checkOptions, type PilotlightOptions, type SandboxRequest } from './options.js';
import { RemoteClaim, remoteManager } from './remote/index.js';
import { type PilotlightSessionOptions, sessionOf } from './session/pilotlight-session.js';
import type { AgentSession } from './session/session.js';
import { type WarmPowers, type WarmSandboxClass, withWarming } from './warm-sandbox.js';
import type { WarmingManager } from './warming-manager.js';

/**
 * The client an application holds: declares runtimes, keeps their pools hot and hands out sandboxes.
 *
 * @example
 * ```ts
 * const pilotlight = new Pilotlight({ runtimes: [nodeTypescript] });
 * const sandbox = await pilotlight.sandbox('node-typescript', { onProgress: (event) => show(event.progress) });
 * await sandbox.commands.run('npx tsc --version');
 * await sandbox.kill();
 * await pilotlight.close();
 * ```
 */
export class Pilotlight<Class extends typeof Sandbox = typeof Sandbox> implements AsyncDisposable {
  /** Who keeps the pools, with every event: the engine in this process, or the warmer service. */
  readonly warming: WarmingManager;
  readonly #connection: ConnectionOptions;
  readonly #memory: PilotlightOptions['memory'];
  readonly #Sandbox: WarmSandboxClass<Class>;
  #started: Promise<void> | undefined;

  /** @throws {@link InvalidSpecError} naming every wrong option or field with the value given */
  constructor(options: PilotlightOptions & { Sandbox?: Class }) {
    checkOptions(options);
    const { runtimes, Sandbox: base, memory, warming, warmer, token, ...connection } = options;
    this.#connection = connection;
    this.#memory = memory;
    this.#Sandbox = withWarming((base ?? Sandbox) as Class);
    const declared = runtimes.map((runtime) => defineRuntime(runtime));
    this.warming =
      warmer === undefined
        ? new RuntimeWarmingManager({ ...warming, provider: e2bProvider(connection), runtimes: declared })
        : remoteManager({ url: warmer, ...(token === undefined ? {} : { token }) });
    if (warmer !== undefined) for (const runtime of declared) this.warming.define(runtime);
  }

  /** Opens connections and begins to fill the pools. Called by the first claim when the application did not. Idempotent. */
  async start(): Promise<void> {
    this.#started ??= this.warming.start();
    try {
      await this.#started;
    } catch (error) {
      // A host that comes back, or a key that was corrected, gets another chance at the next call.
      this.#started = undefined;
      throw error;
    }
  }

  /**
   * Asks for a runtime and answers at once: HOT with a claim, or WARMING with progress and a promise.
   *
   * @throws {@link WarmingError} `unknown_runtime`, `provider_unauthorized`, `provider_unreachable`, `quota`, `closed`
   */
  async claim(runtime: string, request: SandboxRequest = {}): Promise<ClaimAnswer> {
    const { memoryQuery, ...claim } = request;
    // Asked for first, so that it arrives while the claim is on its way.
    const memory = this.#memoryOf(request, memoryQuery);
    await this.start();
    return this.warming.claim(runtime, memory ? { ...claim, memory } : claim);
  }

  /**
   * A ready sandbox of a runtime, hot when the pool has one, else when it is warm: follow `onProgress` meanwhile.
   *
   * @throws {@link WarmingError} with a code and what to do next; no sandbox is left behind then
   */
  async sandbox(runtime: string, request: SandboxRequest = {}): Promise<InstanceType<Class> & WarmPowers> {
    const answer = await this.claim(runtime, request);
    const claim = answer.state === 'HOT' ? answer.claim : await answer.ready;
    const sandbox = this.#Sandbox.fromClaim(claim, connectionOf(claim, this.#connection));
    await claim.ack();
    return sandbox;
  }

  /**
   * A sandbox over many messages of one user: claimed and prepared now, and each message does only what has changed.
   *
   * @example
   * ```ts
   * const session = pilotlight.session({ runtime: 'python', userId, config: readSettings, memory });
   * for await (const token of session.message(text, { model: ({ context }) => ask(text, context?.prompt.text) })) show(token);
   * await session.close();
   * ```
   */
  session(options: PilotlightSessionOptions): AgentSession {
    return sessionOf(async (runtime, request) => {
      const sandbox = await this.sandbox(runtime, request);
      return { sandbox, expiresAtMs: sandbox.claim?.expiresAtMs };
    }, options);
  }

  /** Ends every pool and every claim of this client. Nothing is left running. Idempotent. */
  async close(): Promise<void> {
    await this.warming.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Fails open: a sandbox without memories is worth more than none. */
  #memoryOf(request: SandboxRequest, query: string | undefined): Promise<MemoryInjection | undefined> | undefined {
    const { userId, signal } = request;
    if (!this.#memory || userId === undefined) return undefined;
    const memory = this.#memory;
    const wanted = { userId, ...(query === undefined ? {} : { query }), ...(signal ? { signal } : {}) };
    return Promise.resolve()
      .then(() => memory.injection(wanted))
      .catch(() => undefined);
  }
}

/** A service in front of a local host says where its sandboxes are reached. */
function connectionOf(claim: Claim, connection: ConnectionOptions): ConnectionOptions {
  return claim instanceof RemoteClaim && claim.sandboxUrl !== undefined
    ? { ...connection, sandboxUrl: claim.sandboxUrl }
    : connection;
}
