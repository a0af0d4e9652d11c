import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { ExitStatus } from '../isolation/machine.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import { EventQueue } from './event-queue.js';
import {
  type Process,
  type ProcessEventSchema,
  type ProcessInput,
  type ProcessSelector,
  type PTY,
  Signal,
  type StartRequest,
} from './gen/process.gen.js';
import type { ManagedProcess, ProcessEvent, ProcessListener } from './process-table.js';
import { keepaliveSecondsOf, machineOf, sandboxOf, translated, userOf } from './rpc-context.js';

type WireEvent = MessageInitShape<typeof ProcessEventSchema>;
type Wire = { event: WireEvent };

const signalKill = 9;
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

/** The `process.Process` service of one host, for every sandbox; the sandbox is in the call's context. */
export const processService: ServiceImpl<typeof Process> = {
  list(_request, context) {
    return { processes: sandboxOf(context).processes.list().map(describe) };
  },

  start(request, context) {
    return start(request, context);
  },

  connect(request, context) {
    const managed = select(sandboxOf(context), request.process);
    return follow(context, (listener) => Promise.resolve({ managed, stop: managed.listen(listener) }));
  },

  update(request, context) {
    const managed = select(sandboxOf(context), request.process);
    if (request.pty) {
      managed.process.resize(terminalSize(request.pty));
    }
    return {};
  },

  async sendInput(request, context) {
    await input(select(sandboxOf(context), request.process), request.input);
    return {};
  },

  async streamInput(requests, context) {
    let managed: ManagedProcess | undefined;
    for await (const { event } of requests) {
      if (event.case === 'start') {
        managed = select(sandboxOf(context), event.value.process);
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
    const managed = select(sandboxOf(context), request.process);
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
    select(sandboxOf(context), request.process).process.endInput();
    return {};
  },
};

async function* start(request: StartRequest, context: HandlerContext): AsyncGenerator<Wire> {
  const sandbox = sandboxOf(context);
  const config = request.process;
  if (!config || config.cmd === '') {
    throw new ConnectError('the request names no command', Code.InvalidArgument);
  }
  const terminal = request.pty ? terminalSize(request.pty) : undefined;
  const description = {
    command: config.cmd,
    arguments: config.args,
    envs: config.envs,
    cwd: config.cwd,
    tag: request.tag,
  };
  const run = {
    user: userOf(context.requestHeader.get('authorization')),
    cwd: config.cwd ?? '',
    envs: { ...sandbox.environment, ...config.envs },
    terminal,
    withInput: request.stdin ?? true,
  };
  yield* follow(context, async (listener) => {
    const started = await translated(sandbox.processes.start(machineOf(sandbox), description, run, listener));
    killAtDeadline(started.managed, context.timeoutMs());
    return started;
  });
}

/** The server's own deadline: the command is killed even when its caller is long gone. */
function killAtDeadline(managed: ManagedProcess, timeoutMs: number | undefined): void {
  if (timeoutMs === undefined) {
    return;
  }
  const timer = setTimeout(() => managed.process.signal(signalKill), Math.max(timeoutMs, 0));
  timer.unref();
  void managed.process.exit.then(() => clearTimeout(timer));
}

/** A caller that leaves does not end the command; it only stops listening. */
async function* follow(
  context: HandlerContext,
  listen: (listener: ProcessListener) => Promise<{ managed: ManagedProcess; stop: () => void }>,
): AsyncGenerator<Wire> {
  const queue = new EventQueue<ProcessEvent | 'keepalive'>();
  const { managed, stop } = await listen((event) => {
    queue.push(event);
    if (event.kind === 'end') {
      queue.end();
    }
  });
  const keepalive = setInterval(() => queue.push('keepalive'), keepaliveSecondsOf(context) * 1000);
  keepalive.unref();
  const leave = () => queue.end();
  context.signal.addEventListener('abort', leave);
  try {
    yield { event: { event: { case: 'start', value: { pid: managed.pid } } } };
    for await (const event of queue) {
      if (event === 'keepalive') {
        yield { event: { event: { case: 'keepalive', value: {} } } };
      } else if (event.kind === 'output') {
        yield { event: { event: { case: 'data', value: { output: { case: event.output, value: event.chunk } } } } };
        event.release();
      } else if (event.status.kind === 'lost') {
        throw new ConnectError('the sandbox ended', Code.Unavailable);
      } else {
        yield { event: { event: { case: 'end', value: endOf(event.status) } } };
      }
    }
  } finally {
    context.signal.removeEventListener('abort', leave);
    clearInterval(keepalive);
    stop();
    for (const event of queue.takeRest()) {
      if (event !== 'keepalive' && event.kind === 'output') {
        event.release();
      }
    }
  }
}

function endOf(status: Exclude<ExitStatus, { kind: 'lost' }>) {
  if (status.kind === 'signaled') {
    const text = `signal: ${signalNames[status.signal] ?? status.signal}`;
    return { exitCode: -1, exited: false, status: text, error: text };
  }
  const text = `exit status ${status.code}`;
  return { exitCode: status.code, exited: true, status: text, ...(status.code === 0 ? {} : { error: text }) };
}

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

function select(sandbox: Sandbox, selector: ProcessSelector | undefined): ManagedProcess {
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

function describe(managed: ManagedProcess) {
  const { command, arguments: args, envs, cwd, tag } = managed.description;
  return {
    config: { cmd: command, args: [...args], envs: { ...envs }, ...(cwd === undefined ? {} : { cwd }) },
    pid: managed.pid,
    ...(tag === undefined ? {} : { tag }),
  };
}

function terminalSize(pty: PTY) {
  const clamp = (value: number | undefined, fallback: number) => Math.min(Math.max(value || fallback, 1), 65_535);
  return { columns: clamp(pty.size?.cols, 80), rows: clamp(pty.size?.rows, 24) };
}
