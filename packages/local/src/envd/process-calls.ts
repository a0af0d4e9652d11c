import { Code, ConnectError } from '@connectrpc/connect';
import type { ExitStatus } from '../isolation/machine.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { ProcessSelector, PTY, StartRequest } from './gen/process.gen.js';
import type { ManagedProcess, ProcessListener } from './process-table.js';
import { machineOf } from './rpc-context.js';

const signalNames: Readonly<Record<number, string>> = {
  1: 'hangup',
  2: 'interrupt',
  3: 'quit',
  6: 'aborted',
  9: 'killed',
  11: 'segmentation fault',
  13: 'broken pipe',
  15: 'terminated',
};

/** Starts the command a request describes; the listener is told all that happens to it. */
export function startProcess(sandbox: Sandbox, request: StartRequest, user: string, listener: ProcessListener) {
  const config = request.process;
  if (!config || config.cmd === '') {
    throw new ConnectError('the request names no command', Code.InvalidArgument);
  }
  const { cmd: command, args, envs, cwd } = config;
  const description = { command, arguments: args, envs, cwd, tag: request.tag };
  const run = {
    user,
    cwd: cwd || sandbox.settings.defaults?.workdir || '',
    envs: { ...sandbox.environment, ...envs },
    terminal: request.pty ? terminalSize(request.pty) : undefined,
    withInput: request.stdin ?? true,
  };
  return sandbox.processes.start(machineOf(sandbox), description, run, listener);
}

export function selectProcess(sandbox: Sandbox, selector: ProcessSelector | undefined): ManagedProcess {
  machineOf(sandbox);
  const choice = selector?.selector;
  if (choice?.case === undefined) {
    throw new ConnectError('the request names no process', Code.InvalidArgument);
  }
  const wanted = choice.case === 'pid' ? { pid: choice.value } : { tag: choice.value };
  const managed = sandbox.processes.find(wanted);
  if (!managed) {
    throw new ConnectError(`process with ${choice.case} ${choice.value} not found`, Code.NotFound);
  }
  return managed;
}

export function endOf(status: Exclude<ExitStatus, { kind: 'lost' }>) {
  if (status.kind === 'signaled') {
    const text = `signal: ${signalNames[status.signal] ?? status.signal}`;
    return { exitCode: -1, exited: false, status: text, error: text };
  }
  const text = `exit status ${status.code}`;
  return { exitCode: status.code, exited: true, status: text, ...(status.code === 0 ? {} : { error: text }) };
}

export function terminalSize(pty: PTY) {
  const clamp = (value: number | undefined, fallback: number) => Math.min(Math.max(value || fallback, 1), 65_535);
  return { columns: clamp(pty.size?.cols, 80), rows: clamp(pty.size?.rows, 24) };
}
