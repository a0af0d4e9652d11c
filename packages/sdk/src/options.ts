import {
  type ClaimRequest,
  InvalidSpecError,
  type MemoryInjection,
  type Runtime,
  type RuntimeSpec,
  type RuntimeWarmingManagerOptions,
} from '@pilotlight/warming';
import * as z from '@pilotlight/warming/schema';
import type { Sandbox, SandboxConnectOpts } from 'e2b';

/** Where sandboxes run: the options of E2B's own `Sandbox`, with the same defaults from the same environment variables. */
export type ConnectionOptions = Pick<
  SandboxConnectOpts,
  'apiKey' | 'apiUrl' | 'sandboxUrl' | 'domain' | 'requestTimeoutMs' | 'headers' | 'proxy'
>;

/**
 * What the client needs of a memory: a user's context in the form a sandbox takes. `@pilotlight/memory` has it.
 *
 * It fails open: it resolves to nothing rather than rejecting, within a time of its own.
 */
export interface MemorySource {
  injection(request: { userId: string; query?: string; signal?: AbortSignal }): Promise<MemoryInjection | undefined>;
}

/** Options of {@link Pilotlight}. */
export interface PilotlightOptions extends ConnectionOptions {
  /** The runtimes this application asks for. */
  runtimes: readonly (Runtime | RuntimeSpec)[];
  /** Class of the sandboxes handed out; a subclass of E2B's `Sandbox`. @default E2B's `Sandbox` */
  Sandbox?: typeof Sandbox;
  /** Memories of the user, put at hand in each sandbox claimed with a `userId`. @default none */
  memory?: MemorySource;
  /** Address of a warmer service that keeps the pools, instead of this process. @default none */
  warmer?: string;
  /** Token for the {@link warmer}, made by `pilotlight token`. Not needed against `pilotlight dev` on this machine. */
  token?: string;
  /** Everything else the embedded engine can be told: ledger, budget, target policy, fleet. */
  warming?: Omit<RuntimeWarmingManagerOptions, 'provider' | 'runtimes'>;
}

/** What is asked of {@link Pilotlight.sandbox}. */
export interface SandboxRequest extends Omit<ClaimRequest, 'memory'> {
  /** Narrows the memories to those about this. */
  memoryQuery?: string;
}

function makeSchema() {
  const text = z.string().min(1);
  return z
    .strictObject({
      runtimes: z.array(z.unknown()).min(1, 'declare at least one runtime'),
      apiKey: text.optional(),
      apiUrl: z.url().optional(),
      sandboxUrl: z.url().optional(),
      domain: text.optional(),
      requestTimeoutMs: z.number().int().min(0).optional(),
      headers: z.record(z.string(), z.string()).optional(),
      proxy: text.optional(),
      Sandbox: z
        .custom((value) => typeof value === 'function', "give E2B's Sandbox class or a subclass of it")
        .optional(),
      memory: z
        .custom(
          (value) => typeof (value as MemorySource | undefined)?.injection === 'function',
          'has no method "injection"',
        )
        .optional(),
      warmer: z.url().optional(),
      token: text.optional(),
      warming: z.record(z.string(), z.unknown()).optional(),
    })
    .refine((options) => options.token === undefined || options.warmer !== undefined, {
      path: ['token'],
      message: 'is for a warmer service: give its address as "warmer" too',
    })
    .refine((options) => options.warming === undefined || options.warmer === undefined, {
      path: ['warming'],
      message: 'is for the embedded engine: the warmer service has its own configuration',
    });
}

const schema = z.madeOnce(makeSchema);

/** Values that must not be repeated in an error. */
const secretOptions = new Set(['apiKey', 'token', 'headers', 'proxy']);

/** @throws {@link InvalidSpecError} naming every wrong option with the value given */
export function checkOptions(options: PilotlightOptions): void {
  const parsed = schema().safeParse(options);
  if (parsed.success) return;
  throw new InvalidSpecError(
    'Options of Pilotlight',
    parsed.error.issues.flatMap((issue) => {
      const names = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.map(String).join('.') || '(options)'];
      return names.map((name) => ({
        path: name,
        message: issue.code === 'unrecognized_keys' ? 'is not an option' : issue.message,
        value: secretOptions.has(name) ? '(hidden)' : Reflect.get(Object(options), name),
      }));
    }),
  );
}
