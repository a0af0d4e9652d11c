import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { tokensEqual } from '../envd/signature.js';
import type { Machine } from '../isolation/machine.js';
import { ApiError } from '../sandbox/api-error.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { DataPlaneService } from '../server/data-plane.js';
import { sendJson } from '../server/respond.js';
import { type CodeContext, ContextTable, defaultCwd } from './context-table.js';
import { languageOf, languages } from './language.js';
import type { OpenKernelIn } from './open-kernel.js';
import { readJson } from './read-json.js';
import { streamExecution } from './stream-execution.js';

/** The port that `@e2b/code-interpreter` talks to. */
export const interpreterPort = 49_999;

const executeBody = z.object({
  code: z.string(),
  context_id: z.string().nullish(),
  language: z.string().nullish(),
  env_vars: z.record(z.string(), z.string()).nullish(),
});

const contextBody = z.object({ language: z.string().nullish(), cwd: z.string().nullish() });

/** Runs code for `@e2b/code-interpreter`. The contexts of a sandbox live as long as its machine. */
export class InterpreterService implements DataPlaneService {
  private readonly tables = new WeakMap<Machine, ContextTable>();
  private readonly openKernel: OpenKernelIn;

  constructor(openKernel: OpenKernelIn) {
    this.openKernel = openKernel;
  }

  /** The default Python context of a sandbox that was made to run code, as E2B's has one from the start. */
  begin(sandbox: Sandbox): void {
    if (sandbox.phase.kind === 'running') {
      this.tableOf(sandbox).byLanguage('python').begin();
    }
  }

  async handle(sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkTraffic(sandbox, request);
    const table = this.tableOf(sandbox);
    const [path, id, action] = (request.url ?? '/').split('?')[0]!.split('/').slice(1);
    const route = `${request.method} ${path}${id ? '/:id' : ''}${action ? `/${action}` : ''}`;
    switch (route) {
      case 'GET health':
        return sendJson(response, 200, 'OK');
      case 'POST execute':
        return this.execute(sandbox, table, request, response);
      case 'GET contexts':
        return sendJson(response, 200, table.list());
      case 'POST contexts':
        return createContext(table, request, response);
      case 'DELETE contexts/:id':
        contextOf(table, id);
        table.remove(id ?? '');
        return sendJson(response, 200, null);
      case 'POST contexts/:id/restart':
        return restart(contextOf(table, id), response);
      default:
        throw new ApiError(404, `The code interpreter has nothing at ${request.method} ${request.url}.`);
    }
  }

  private async execute(
    sandbox: Sandbox,
    table: ContextTable,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const body = parse(executeBody, await readJson(request));
    if (body.context_id && body.language) {
      throw new ApiError(400, 'Only one of context_id or language can be given. Leave one out.');
    }
    const context = body.context_id ? contextOf(table, body.context_id) : table.byLanguage(known(body.language));
    const isStillRunning = () => sandbox.phase.kind === 'running';
    await streamExecution(context, { code: body.code, envs: body.env_vars ?? {} }, response, isStillRunning);
  }

  private tableOf(sandbox: Sandbox): ContextTable {
    if (sandbox.phase.kind !== 'running') {
      throw new ApiError(502, 'The sandbox is not running. Resume it with connect.');
    }
    const { machine } = sandbox.phase;
    let table = this.tables.get(machine);
    if (!table) {
      table = new ContextTable((description) => this.openKernel(sandbox, machine, description));
      this.tables.set(machine, table);
    }
    return table;
  }
}

async function createContext(table: ContextTable, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = parse(contextBody, await readJson(request));
  const context = table.add(known(body.language), body.cwd || defaultCwd);
  try {
    await context.start();
  } catch (error) {
    table.remove(context.description.id);
    throw new ApiError(500, `The context could not be started: ${(error as Error).message}`);
  }
  sendJson(response, 200, context.description);
}

async function restart(context: CodeContext, response: ServerResponse): Promise<void> {
  context.stop();
  await context.start();
  sendJson(response, 200, null);
}

function contextOf(table: ContextTable, id: string | undefined): CodeContext {
  const context = table.get(id ?? '');
  if (!context) {
    throw new ApiError(404, `Context ${id} not found. List the contexts of this sandbox with GET /contexts.`);
  }
  return context;
}

function known(name: string | null | undefined) {
  const language = languageOf(name);
  if (!language) {
    throw new ApiError(500, `Language "${name}" is not run by this host. It runs ${languages.join(', ')}.`);
  }
  return language;
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new ApiError(422, `The body is not valid: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return result.data;
}

/** A sandbox without public traffic runs code only for those who know its traffic token. */
function checkTraffic(sandbox: Sandbox, request: IncomingMessage): void {
  const expected = sandbox.trafficAccessToken;
  if (expected !== undefined && !tokensEqual(String(request.headers['e2b-traffic-access-token'] ?? ''), expected)) {
    throw new ApiError(403, 'This sandbox is private. Send its traffic token as "e2b-traffic-access-token".');
  }
}
