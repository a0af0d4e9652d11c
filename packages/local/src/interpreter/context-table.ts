import { randomBytes, randomUUID } from 'node:crypto';
import { Kernel, type OpenKernel } from './kernel.js';
import type { KernelMessage } from './kernel-messages.js';
import { interruptRequest, runRequest } from './kernel-requests.js';
import type { Language } from './language.js';

export interface ContextDescription {
  id: string;
  language: Language;
  cwd: string;
}

/** Starts a kernel for a context; what is given to it is new each time. */
export type OpenContextKernel = (description: ContextDescription) => OpenKernel;

export interface Execution {
  code: string;
  envs: Readonly<Record<string, string>>;
  onMessage: (message: KernelMessage) => void;
}

/** A namespace that code is run in, one piece at a time. Its kernel is started when it is first needed. */
export class CodeContext {
  readonly description: ContextDescription;
  private kernel: Kernel | undefined;
  private tail: Promise<unknown> = Promise.resolve();
  private readonly open: OpenContextKernel;

  constructor(description: ContextDescription, open: OpenContextKernel) {
    this.description = description;
    this.open = open;
  }

  async start(): Promise<Kernel> {
    if (this.kernel && !this.kernel.isClosed) {
      return this.kernel;
    }
    const kernel = new Kernel();
    this.kernel = kernel;
    await kernel.start(this.open(this.description), randomBytes(12).toString('hex'));
    return kernel;
  }

  /** Starts its kernel before it is needed. What goes wrong is found again when it is. */
  begin(): void {
    this.tail = this.tail.then(() => this.start()).catch(() => {});
  }

  /** Waits for what runs before it. The signal ends the code, not only the waiting for it. */
  run(execution: Execution, signal: AbortSignal): Promise<void> {
    const run = this.tail.then(() => this.runNow(execution, signal));
    this.tail = run.catch(() => {});
    return run;
  }

  pause(): void {
    this.kernel?.pause();
  }

  resume(): void {
    this.kernel?.resume();
  }

  /** What runs ends; the next code finds an empty namespace. */
  stop(): void {
    this.kernel?.close();
    this.kernel = undefined;
  }

  private async runNow({ code, envs, onMessage }: Execution, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      return;
    }
    const { language } = this.description;
    const [kernel, request] = await Promise.all([this.start(), runRequest(language, code, envs)]);
    const interrupt = () => kernel.interrupt(interruptRequest(language));
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      const isWhole = await kernel.run({ request, onMessage });
      if (!isWhole) {
        const value = 'The interpreter ended while the code ran, and with it everything it held. Run it again.';
        onMessage({ type: 'error', name: 'ContextRestarting', value, traceback: '' });
      }
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  }
}

export const defaultCwd = '/home/user';

/** The contexts of one running sandbox. They end with its processes. */
export class ContextTable {
  private readonly contexts = new Map<string, CodeContext>();
  private readonly defaults = new Map<Language, CodeContext>();
  private readonly open: OpenContextKernel;

  constructor(open: OpenContextKernel) {
    this.open = open;
    this.byLanguage('python');
    this.byLanguage('javascript');
  }

  /** The context that a language has without being asked for. */
  byLanguage(language: Language): CodeContext {
    let context = this.defaults.get(language);
    if (!context) {
      context = this.add(language, defaultCwd);
      this.defaults.set(language, context);
    }
    return context;
  }

  get(id: string): CodeContext | undefined {
    return this.contexts.get(id);
  }

  list(): ContextDescription[] {
    return [...this.contexts.values()].map(({ description }) => description);
  }

  add(language: Language, cwd: string): CodeContext {
    const context = new CodeContext({ id: randomUUID(), language, cwd }, this.open);
    this.contexts.set(context.description.id, context);
    return context;
  }

  /** False when there is none of this id. */
  remove(id: string): boolean {
    const context = this.contexts.get(id);
    context?.stop();
    for (const [language, known] of this.defaults) {
      if (known === context) {
        this.defaults.delete(language);
      }
    }
    return this.contexts.delete(id);
  }
}
