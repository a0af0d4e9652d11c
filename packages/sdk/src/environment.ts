import type { Sandbox } from 'e2b';

type Environment = Readonly<Record<string, string>>;
type Options = { envs?: Record<string, string> };

/**
 * Adds an environment to every command, terminal and code run started through one handle.
 *
 * E2B takes a sandbox-wide environment at create only, when a pooled sandbox does not yet know its claimant. Adding it to
 * each call costs no request and leaves nothing of the claimant in the sandbox.
 */
export function applyEnvironment(sandbox: Sandbox, environment: () => Environment): void {
  wrapOptions(sandbox.commands, 'run', 1, environment);
  wrapOptions(sandbox.pty, 'create', 0, environment);
  // Present in @e2b/code-interpreter's subclass.
  if ('runCode' in sandbox) wrapOptions(sandbox, 'runCode', 1, environment);
}

function wrapOptions(target: object, method: string, position: number, environment: () => Environment): void {
  const original: unknown = Reflect.get(target, method);
  if (typeof original !== 'function') return;
  const wrapped = (...given: unknown[]): unknown => {
    const call = [...given];
    const options = call[position] as Options | undefined;
    call[position] = { ...options, envs: { ...environment(), ...options?.envs } };
    return Reflect.apply(original, target, call);
  };
  Object.defineProperty(target, method, { value: wrapped, configurable: true, writable: true });
}
