// A context of JavaScript: runs one piece of code after another in the global scope, for one client, the host.
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

const [marker] = process.argv.slice(-1);
const session = new Session();
session.connect();
const here = pathToFileURL(`${process.cwd()}/`);
const keep = Symbol('pilotlight.value');
let count = 0;
let interrupt = () => {};

globalThis.require = createRequire(here);
// Code that is evaluated has no importer of its own; the host writes `import` as a call of this.
globalThis.__pilotlight_import__ = (name) =>
  import(/^\.{0,2}\//.test(name) ? new URL(name, here).href : resolveBare(name));

function resolveBare(name) {
  try {
    const path = globalThis.require.resolve(name);
    return path.startsWith('/') ? pathToFileURL(path).href : path;
  } catch {
    return name;
  }
}

function send(message, descriptor = 1) {
  let data = Buffer.from(`\u001e${marker}${JSON.stringify(message)}\n`);
  while (data.length > 0) {
    try {
      data = data.subarray(writeSync(descriptor, data));
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        throw error;
      }
    }
  }
}

for (const kind of ['stdout', 'stderr']) {
  process[kind].write = (chunk, encoding, callback) => {
    send({ type: kind, text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
    const done = typeof encoding === 'function' ? encoding : callback;
    done?.();
    return true;
  };
}

function post(method, parameters) {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

async function localValue(remote) {
  if (!remote.objectId) {
    return remote.unserializableValue === undefined ? remote.value : remote.description;
  }
  globalThis[keep] = undefined;
  globalThis.__pilotlight_keep__ = (value) => {
    globalThis[keep] = value;
  };
  const functionDeclaration = 'function () { globalThis.__pilotlight_keep__(this); }';
  await post('Runtime.callFunctionOn', { functionDeclaration, objectId: remote.objectId });
  delete globalThis.__pilotlight_keep__;
  void post('Runtime.releaseObject', { objectId: remote.objectId });
  return globalThis[keep];
}

function bundle(value, remote) {
  const text = typeof value === 'string' || remote?.unserializableValue ? String(value) : inspect(value);
  const display = value?.[Symbol.for('Jupyter.display')];
  return typeof display === 'function' ? { 'text/plain': text, ...display.call(value) } : { 'text/plain': text };
}

globalThis.display = (value) => send({ type: 'result', main: false, data: bundle(value) });

function describe(error, fallback) {
  if (!(error instanceof Error)) {
    return { type: 'error', name: 'Error', value: fallback ?? inspect(error), traceback: fallback ?? inspect(error) };
  }
  const stack = String(error.stack ?? error);
  const own = stack.split('\n').filter((line) => !/node:inspector|\[eval\d*\]|node:internal/.test(line));
  return { type: 'error', name: error.name, value: error.message, traceback: own.join('\n') };
}

async function run(code) {
  const stopped = new Promise((resolve) => {
    interrupt = () => resolve({ interrupted: true });
  });
  const evaluation = post('Runtime.evaluate', { expression: code, replMode: true, awaitPromise: true });
  const outcome = await Promise.race([evaluation, stopped]);
  if (outcome.interrupted) {
    send({ type: 'error', name: 'Interrupted', value: 'The execution was interrupted', traceback: '' });
    return;
  }
  const value = await localValue(outcome.result);
  if (outcome.exceptionDetails) {
    send(describe(value, outcome.exceptionDetails.exception?.description));
  } else if (outcome.result.type !== 'undefined') {
    send({ type: 'result', main: true, data: bundle(value, outcome.result) });
  }
}

async function execute({ code, envs }) {
  count += 1;
  send({ type: 'count', count });
  const before = Object.keys(envs).map((name) => [name, process.env[name]]);
  Object.assign(process.env, envs);
  try {
    await run(code);
  } catch (error) {
    send(describe(error));
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
    // On both streams, so that the host knows of each that nothing more comes.
    send({ type: 'end' }, 2);
    send({ type: 'end' });
  }
}

process.on('uncaughtException', (error) => send(describe(error)));
process.on('unhandledRejection', (error) => send(describe(error)));
let queue = Promise.resolve();
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    if (command.op === 'interrupt') {
      interrupt();
    } else {
      queue = queue.then(() => execute(command));
    }
  })
  .on('close', () => process.exit(0));
send({ type: 'ready', pid: process.pid });
