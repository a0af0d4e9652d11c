import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { type Process, type ProcessInput, Signal } from './gen/process.gen.js';
import { selectProcess, terminalSize } from './process-calls.js';
import type { ManagedProcess } from './process-table.js';
import { sandboxOf, translated } from './rpc-context.js';

/** All calls of a process but the two that follow it, which {@link ProcessStreams} answers. */
type UnaryCalls = Omit<ServiceImpl<typeof Process>, 'start' | 'connect'>;

/** The `process.Process` service of one host, for every sandbox; the sandbox is in the call's context. */
export const processService: UnaryCalls = {
  list(_request, context) {
    return { processes: sandboxOf(context).processes.list().map(describe) };
  },

  update(request, context) {
    const managed = selectProcess(sandboxOf(context), request.process);
    if (request.pty) {
      managed.process.resize(terminalSize(request.pty));
    }
    return {};
  },

  async sendInput(request, context) {
    await input(selectProcess(sandboxOf(context), request.process), request.input);
    return {};
  },

  async streamInput(requests, context) {
    let managed: ManagedProcess | undefined;
    for await (const { event } of requests) {
      if (event.case === 'start') {
        managed = selectProcess(sandboxOf(context), event.value.process);
      } else if (event.case === 'data') {
        if (!managed) {
          throw new ConnectError('the first message must say which process is meant', Code.InvalidArgument);
        }
        await input(managed, event.value.input);
      }
    }
    return {};
  },

  sendSignal(request, context) {
    const managed = selectProcess(sandboxOf(context), request.process);
    if (request.signal === Signal.UNSPECIFIED || managed.status) {
      throw new ConnectError(
        `process ${managed.pid} cannot be signalled`,
        managed.status ? Code.NotFound : Code.InvalidArgument,
      );
    }
    managed.process.signal(request.signal);
    return {};
  },

  closeStdin(request, context) {
    selectProcess(sandboxOf(context), request.process).process.endInput();
    return {};
  },
};

async function input(managed: ManagedProcess, given: ProcessInput | undefined): Promise<void> {
  const value = given?.input;
  if (value?.case === undefined) {
    throw new ConnectError('the request has no input', Code.InvalidArgument);
  }
  if ((value.case === 'pty') !== managed.hasTerminal) {
    throw new ConnectError(
      `process ${managed.pid} has ${managed.hasTerminal ? 'a' : 'no'} terminal`,
      Code.FailedPrecondition,
    );
  }
  await translated(managed.process.write(value.value));
}

function describe(managed: ManagedProcess) {
  const { command, arguments: args, envs, cwd, tag } = managed.description;
  return {
    config: { cmd: command, args: [...args], envs: { ...envs }, ...(cwd === undefined ? {} : { cwd }) },
    pid: managed.pid,
    ...(tag === undefined ? {} : { tag }),
  };
}
