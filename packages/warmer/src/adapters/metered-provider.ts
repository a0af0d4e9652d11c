import { ProviderError, type ProviderSandbox, type SandboxProvider } from '@pilotlight/warming';
import { tracedCall, traceEnvironment } from '../operation/telemetry.js';

/** What a provider's calls took. */
export interface ProviderMeter {
  created(kind: 'new' | 'existing', outcome: 'ok' | 'error', elapsedMs: number): void;
  /** The provider answered, or did not: for readiness. */
  answered(failure: ProviderError | undefined): void;
}

/**
 * The same provider, with its starts measured. Everything else is passed on as it is, also what the provider lacks: the
 * engine decides by whether a method is there.
 */
export function meteredProvider(provider: SandboxProvider, meter: ProviderMeter): SandboxProvider {
  const measured = async (kind: 'new' | 'existing', call: () => Promise<ProviderSandbox>): Promise<ProviderSandbox> => {
    const startedMs = performance.now();
    try {
      const value = await tracedCall(`sandbox ${kind === 'new' ? 'create' : 'connect'}`, call);
      meter.created(kind, 'ok', performance.now() - startedMs);
      meter.answered(undefined);
      return traced(value);
    } catch (error) {
      meter.created(kind, 'error', performance.now() - startedMs);
      if (error instanceof ProviderError) meter.answered(error);
      throw error;
    }
  };
  return new Proxy(provider, {
    get(target, name) {
      if (name === 'create') {
        return (request: Parameters<SandboxProvider['create']>[0]) => measured('new', () => target.create(request));
      }
      if (name === 'connect') {
        return (...request: Parameters<SandboxProvider['connect']>) =>
          measured('existing', () => target.connect(...request));
      }
      if (name === 'attach') {
        return (...request: Parameters<SandboxProvider['attach']>) => traced(target.attach(...request));
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The same sandbox, whose commands know the trace that they belong to. */
function traced(sandbox: ProviderSandbox): ProviderSandbox {
  return new Proxy(sandbox, {
    get(target, name) {
      if (name === 'run' || name === 'start') {
        const call = target[name].bind(target) as ProviderSandbox['run'];
        return (command: string, options: Parameters<ProviderSandbox['run']>[1] = {}) => {
          const trace = traceEnvironment();
          if (Object.keys(trace).length === 0) return call(command, options);
          return call(command, { ...options, env: { ...trace, ...options.env } });
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
