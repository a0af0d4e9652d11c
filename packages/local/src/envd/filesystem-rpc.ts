import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { FileEntry, MachineFiles, WatchEvent, WatchEventKind, Watcher } from '../isolation/machine.js';
import { toEntryInfo } from './entry-info.js';
import { EventQueue } from './event-queue.js';
import {
  EventType,
  type Filesystem,
  type FilesystemEventSchema,
  type WatchDirRequest,
  type WatchDirResponseSchema,
} from './gen/filesystem.gen.js';
import { keepaliveSeconds, machineOf, sandboxOf, translated, userOf } from './rpc-context.js';

type WireWatch = MessageInitShape<typeof WatchDirResponseSchema>;
type WireEvent = MessageInitShape<typeof FilesystemEventSchema>;

const eventTypes: Readonly<Record<WatchEventKind, EventType>> = {
  create: EventType.CREATE,
  write: EventType.WRITE,
  remove: EventType.REMOVE,
  rename: EventType.RENAME,
  chmod: EventType.CHMOD,
};

/** Watchers that are asked for their events; the newest ones are kept when nobody asks. */
const heldEventLimit = 10_000;
const polled = new Map<string, { sandboxId: string; watcher: Watcher; events: WireEvent[] }>();

/** The `filesystem.Filesystem` service of one host, for every sandbox; the sandbox is in the call's context. */
export const filesystemService: ServiceImpl<typeof Filesystem> = {
  async stat({ path }, context) {
    return single(context, (files, user) => files.stat(user, path));
  },

  async makeDir({ path }, context) {
    return single(context, (files, user) => files.makeDirectory(user, path));
  },

  async move({ source, destination }, context) {
    return single(context, (files, user) => files.move(user, source, destination));
  },

  async remove({ path }, context) {
    await withFiles(context, (files, user) => files.remove(user, path));
    return {};
  },

  async listDir({ path, depth }, context) {
    const entries = await withFiles(context, (files, user) => files.list(user, path, Math.max(depth, 1)));
    return { entries: entries.map(toEntryInfo) };
  },

  watchDir(request, context) {
    return watch(request, context);
  },

  async createWatcher(request, context) {
    const watcherId = randomUUID();
    const events: WireEvent[] = [];
    const watcher = await open(request, context, (event) => {
      events.push(toWire(event));
      events.splice(0, Math.max(events.length - heldEventLimit, 0));
    });
    polled.set(watcherId, { sandboxId: sandboxOf(context).id, watcher, events });
    void watcher.ended.then(() => polled.delete(watcherId));
    return { watcherId };
  },

  getWatcherEvents({ watcherId }, context) {
    return { events: findPolled(watcherId, context).events.splice(0) };
  },

  removeWatcher({ watcherId }, context) {
    findPolled(watcherId, context).watcher.close();
    polled.delete(watcherId);
    return {};
  },
};

/** A watcher of another sandbox does not exist for this one. */
function findPolled(watcherId: string, context: HandlerContext) {
  const found = polled.get(watcherId);
  if (!found || found.sandboxId !== sandboxOf(context).id) {
    throw new ConnectError(`watcher ${watcherId} not found`, Code.NotFound);
  }
  return found;
}

async function* watch(request: WatchDirRequest, context: HandlerContext): AsyncGenerator<WireWatch> {
  const queue = new EventQueue<WatchEvent | 'keepalive'>();
  const watcher = await open(request, context, (event) => queue.push(event));
  const keepalive = setInterval(
    () => queue.push('keepalive'),
    keepaliveSeconds(context.requestHeader.get('keepalive-ping-interval')) * 1000,
  );
  keepalive.unref();
  const leave = () => queue.end();
  context.signal.addEventListener('abort', leave);
  void watcher.ended.then(leave);
  try {
    yield { event: { case: 'start', value: {} } };
    for await (const event of queue) {
      yield event === 'keepalive'
        ? { event: { case: 'keepalive', value: {} } }
        : { event: { case: 'filesystem', value: toWire(event) } };
    }
  } finally {
    context.signal.removeEventListener('abort', leave);
    clearInterval(keepalive);
    watcher.close();
  }
}

function open(
  request: Pick<WatchDirRequest, 'path' | 'recursive' | 'includeEntry'>,
  context: HandlerContext,
  onEvent: (event: WatchEvent) => void,
): Promise<Watcher> {
  const { path, recursive, includeEntry: withEntry } = request;
  return withFiles(context, (files, user) => files.watch(user, path, { recursive, withEntry, onEvent }));
}

function toWire(event: WatchEvent): WireEvent {
  return {
    name: event.name,
    type: eventTypes[event.kind],
    ...(event.entry ? { entry: toEntryInfo(event.entry) } : {}),
  };
}

async function single(
  context: HandlerContext,
  act: (files: MachineFiles, user: string) => Promise<FileEntry>,
): Promise<{ entry: ReturnType<typeof toEntryInfo> }> {
  return { entry: toEntryInfo(await withFiles(context, act)) };
}

function withFiles<Result>(
  context: HandlerContext,
  act: (files: MachineFiles, user: string) => Promise<Result>,
): Promise<Result> {
  const user = userOf(context.requestHeader.get('authorization'), sandboxOf(context));
  return translated(act(machineOf(sandboxOf(context)).files, user));
}
