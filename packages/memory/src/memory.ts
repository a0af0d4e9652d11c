import { bounded } from './bounded.js';
import type { Clock, Randomness } from './clock.js';
import type { ContextOptions, MemoryContext } from './context/context.js';
import { type ContextInjection, type InjectionOptions, injectionOf } from './context/injection.js';
import { ContextMaker } from './context/maker.js';
import { deleteOwn } from './delete-own.js';
import { MemoryError } from './errors.js';
import { checked, type SettledOptions } from './options.js';
import { addedRows, type Cleaning, cleanMetadata, cleanRow, cleanText, ownRows } from './rows.js';
import { filtersOf, owns, scopeOf } from './scope.js';
import type { MemorySource } from './source.js';
import type {
  AddOptions,
  AddResult,
  CallOptions,
  GetAllOptions,
  MemoryEvent,
  MemoryHistoryEntry,
  MemoryItem,
  MemoryMessage,
  MemoryPage,
  MemoryScope,
  SearchOptions,
  UpdateOptions,
  WaitOptions,
} from './types.js';

/** A scope and how to cancel the call. */
export interface ScopedCall extends MemoryScope, CallOptions {}

/** What a {@link Memory} is made of. */
export interface MemoryParts {
  source: MemorySource;
  clock: Clock;
  randomness: Randomness;
  options: SettledOptions;
}

const pollMs = 250;

/**
 * What an assistant knows about its users, from one source. Every call names its scope, every row that comes back is
 * checked for its owner, every text is cleaned of credentials and invisible characters on its way in and out.
 */
export class Memory {
  readonly #source: MemorySource;
  readonly #clock: Clock;
  readonly #options: SettledOptions;
  readonly #cleaning: Cleaning;
  readonly #contexts: ContextMaker;

  constructor(parts: MemoryParts) {
    const { source, clock, options } = parts;
    this.#source = source;
    this.#clock = clock;
    this.#options = options;
    this.#cleaning = { redact: options.redact, longestMemoryChars: options.longestMemoryChars };
    this.#contexts = new ContextMaker({ ...parts, cleaning: this.#cleaning });
  }

  /** Name of the source in use. */
  get sourceName(): string {
    return this.#source.name;
  }

  /**
   * Stores what was said. Never feed a context back: a store that remembers its own answers fills with copies.
   *
   * @throws MemoryError with code `invalid_scope`, `invalid_memory`, `too_large`, or the failure of the source
   */
  async add(messages: string | readonly MemoryMessage[], options: AddOptions): Promise<AddResult> {
    const scope = scopeOf(options);
    const said =
      typeof messages === 'string' ? [{ role: 'user' as const, content: messages }] : checked.messages(messages);
    const written = checked.write(options);
    const cleaned = said.map(({ role, content }) => ({ role, content: this.#writable(content) }));
    const answer = await this.#write('Adding a memory', options.signal, (signal) =>
      this.#source.add({ scope, signal, messages: cleaned, ...written, metadata: this.#metadata(written.metadata) }),
    );
    this.#contexts.invalidate(scope);
    return { ...answer, results: addedRows(scope, answer.results, this.#cleaning) };
  }

  /** @throws MemoryError with code `invalid_scope`, `invalid_option`, or the failure of the source */
  async search(query: string, options: SearchOptions): Promise<{ results: MemoryItem[] }> {
    const scope = scopeOf(options);
    if (typeof query !== 'string' || query.trim() === '') {
      throw new MemoryError('invalid_option', 'search needs a query. Use getAll to read without one.');
    }
    const wanted = { ...checked.search(options), filters: filtersOf(options.filters) };
    const rows = await this.#read('Searching memories', options.signal, (signal) =>
      this.#source.search({ scope, signal, query: query.slice(0, this.#cleaning.longestMemoryChars), ...wanted }),
    );
    return { results: ownRows(scope, rows, this.#cleaning).rows.slice(0, wanted.topK) };
  }

  /** One page, newest first where the source can. @throws MemoryError with code `invalid_scope`, or the failure of the source */
  async getAll(options: GetAllOptions): Promise<MemoryPage> {
    const scope = scopeOf(options);
    const wanted = checked.getAll(options);
    const page = await this.#read('Reading memories', options.signal, (signal) =>
      this.#source.list({ scope, signal, ...wanted }),
    );
    const { rows, foreign } = ownRows(scope, page.results, this.#cleaning);
    // A count that included others' rows would tell how many they have.
    return {
      results: rows,
      more: page.more,
      ...(page.count === undefined || foreign > 0 ? {} : { count: page.count }),
    };
  }

  /** @throws MemoryError with code `not_found` when there is none, or it is not of this scope */
  async get(id: string, call: ScopedCall): Promise<MemoryItem> {
    const scope = scopeOf(call);
    return cleanRow(await this.#proved(id, scope, call.signal), this.#cleaning);
  }

  /** @throws MemoryError with code `not_found` when there is none, or it is not of this scope */
  async update(id: string, options: UpdateOptions): Promise<MemoryItem> {
    const scope = scopeOf(options);
    const { text, metadata, expirationDate } = checked.update(options);
    const changes = {
      text: text === undefined ? undefined : this.#writable(text),
      metadata: this.#metadata(metadata),
      expirationDate,
    };
    const before = await this.#proved(id, scope, options.signal);
    const after = await this.#write('Updating a memory', options.signal, (signal) =>
      this.#source.update({ id: before.id, scope, signal, ...changes }),
    );
    this.#contexts.invalidate(scope);
    const row = after ?? { ...before, ...(changes.text === undefined ? {} : { memory: changes.text }) };
    if (!owns(scope, row)) throw notFound();
    return cleanRow(row, this.#cleaning);
  }

  /** @throws MemoryError with code `not_found` when there is none, or it is not of this scope */
  async delete(id: string, call: ScopedCall): Promise<void> {
    const scope = scopeOf(call);
    const row = await this.#proved(id, scope, call.signal);
    await this.#write('Deleting a memory', call.signal, (signal) => this.#source.delete(row.id, { scope, signal }));
    this.#contexts.invalidate(scope);
  }

  /** Removes everything of the scope, which is required. @throws MemoryError with code `invalid_scope`, or the failure of the source */
  async deleteAll(call: ScopedCall): Promise<void> {
    const scope = scopeOf(call);
    await this.#write('Deleting memories', call.signal, (signal) => deleteOwn(this.#source, scope, signal));
    this.#contexts.invalidate(scope);
  }

  /** @throws MemoryError with code `not_found`, or `unsupported` when the source keeps no history */
  async history(id: string, call: ScopedCall): Promise<MemoryHistoryEntry[]> {
    const scope = scopeOf(call);
    const row = await this.#proved(id, scope, call.signal);
    const entries = await this.#read('Reading a history', call.signal, async (signal) => {
      if (this.#source.history === undefined) throw unsupported(this.#source.name, 'histories');
      return this.#source.history(row.id, { scope, signal });
    });
    const clean = (text: string) => cleanText(text, this.#cleaning);
    return entries
      .filter(({ memoryId, userId }) => memoryId === row.id && (userId === undefined || userId === scope.userId))
      .map((entry) => ({
        ...entry,
        ...(entry.oldMemory === undefined ? {} : { oldMemory: clean(entry.oldMemory) }),
        ...(entry.newMemory === undefined ? {} : { newMemory: clean(entry.newMemory) }),
      }));
  }

  /**
   * Waits until the source has extracted what was added, so that it can be read.
   *
   * @throws MemoryError with code `timeout`, or `unsupported` when the source has no such events
   */
  async waitForEvent(eventId: string, options: WaitOptions = {}): Promise<MemoryEvent> {
    const id = checked.id(eventId);
    const { timeoutMs = 30_000, signal } = options;
    const event = await bounded(
      { clock: this.#clock, timeoutMs, what: 'Waiting for a memory', signal },
      async (inner) => {
        if (this.#source.event === undefined) throw unsupported(this.#source.name, 'events');
        for (;;) {
          const current = await this.#source.event(id, inner);
          if (current.status === 'SUCCEEDED' || current.status === 'FAILED') return current;
          await this.#clock.sleep(pollMs, inner);
          inner.throwIfAborted();
        }
      },
    );
    this.#contexts.invalidateAll();
    return event;
  }

  /**
   * What to tell the model about this user, inside a token budget, newest truth first. Fails open: a source that is
   * slow or down gives a context with status `timeout` or `error` and what was known before.
   *
   * @example
   * const context = await memory.context({ userId: 'u-1', query: message, tokenBudget: 800 });
   * const system = `${instructions}\n\n${context.prompt.text}`;
   * @throws MemoryError with code `invalid_scope`, `invalid_option` or `aborted`
   */
  async context(options: ContextOptions): Promise<MemoryContext> {
    return this.#contexts.make(scopeOf(options), { ...checked.context(options), signal: options.signal });
  }

  /**
   * A context in the forms a sandbox takes, see {@link injectionOf}. Fails open as {@link context} does, and sooner.
   *
   * @throws MemoryError with code `invalid_scope`, `invalid_option` or `aborted`
   */
  async injection(options: ContextOptions & InjectionOptions): Promise<ContextInjection> {
    const { envBytes, path, deadlineMs = this.#options.injectionDeadlineMs } = options;
    const form = { ...(envBytes === undefined ? {} : { envBytes }), ...(path === undefined ? {} : { path }) };
    return injectionOf(await this.context({ ...options, deadlineMs }), form);
  }

  /** Fetches a user's memories while the sandbox warms, so that `context` finds them. Never rejects for the source. */
  async prefetch(scope: MemoryScope): Promise<void> {
    await this.#contexts.prefetch(scopeOf(scope));
  }

  /** Closes what the source opened. Idempotent. */
  async close(): Promise<void> {
    await this.#source.close?.();
  }

  async #proved(id: string, scope: Readonly<MemoryScope>, signal: AbortSignal | undefined): Promise<MemoryItem> {
    const wanted = checked.id(id);
    const row = await this.#read('Reading a memory', signal, (inner) =>
      this.#source.get(wanted, { scope, signal: inner }),
    );
    if (row === undefined || row.id !== wanted || !owns(scope, row)) throw notFound();
    return row;
  }

  #read<Value>(
    what: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    return bounded({ clock: this.#clock, timeoutMs: this.#options.readTimeoutMs, what, signal }, work);
  }

  #write<Value>(
    what: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    return bounded({ clock: this.#clock, timeoutMs: this.#options.writeTimeoutMs, what, signal }, work);
  }

  #writable(text: string): string {
    const longest = this.#options.longestMemoryChars;
    if (text.length > longest) {
      throw new MemoryError(
        'too_large',
        `A memory has ${text.length} characters, more than ${longest}. Store a summary, or raise longestMemoryChars.`,
      );
    }
    const cleaned = cleanText(text, this.#cleaning).trim();
    if (cleaned === '') throw new MemoryError('invalid_memory', 'A memory needs visible text.');
    return cleaned;
  }

  #metadata(metadata: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
    return metadata === undefined ? undefined : cleanMetadata(metadata, this.#cleaning);
  }
}

// The same answer for a missing memory and for somebody else's, so that ids cannot be probed.
function notFound(): MemoryError {
  return new MemoryError('not_found', 'There is no such memory in this scope. Check the id and the userId.');
}

function unsupported(source: string, what: string): MemoryError {
  return new MemoryError('unsupported', `The source ${source} has no ${what}. Use another source for them.`);
}
