import type { Machine } from '../isolation/machine.js';
import type { LayerStore } from '../storage/layers.js';
import { sandboxNotFound } from './api-error.js';
import type { Sandbox } from './sandbox.js';

/** The layers that show the sandbox's files as they are now, retained for the caller. */
export async function capture(sandbox: Sandbox, store: LayerStore): Promise<readonly string[]> {
  const { phase } = sandbox;
  if (phase.kind === 'stored') {
    store.retain(sandbox.layers);
    return sandbox.layers;
  }
  if (phase.kind === 'ended') {
    throw sandboxNotFound(sandbox.id);
  }
  if (phase.kind === 'running' && (await sealLive(sandbox, phase.machine, store))) {
    store.retain(sandbox.layers);
    return sandbox.layers;
  }
  return copyFrozen(sandbox, phase.machine, store, phase.kind === 'running');
}

/** True when the sandbox goes on over what it had written, which is a layer now: no byte was copied. */
async function sealLive(sandbox: Sandbox, machine: Machine, store: LayerStore): Promise<boolean> {
  const below = await store.flatten(sandbox.layers);
  store.retain(below);
  const sealed = await machine.sealLive(() => {
    const { generation } = machine;
    const name = store.seal(sandbox.id, generation);
    return { layers: [name, ...below], undo: () => store.unseal(sandbox.id, generation, name) };
  });
  if (sealed === undefined) {
    store.release(below);
    return false;
  }
  store.retain(sealed.slice(0, 1));
  store.release(sandbox.layers);
  sandbox.layers = sealed;
  return true;
}

/** Commands stand still while what the sandbox has written is copied. */
async function copyFrozen(
  sandbox: Sandbox,
  machine: Machine,
  store: LayerStore,
  isRunning: boolean,
): Promise<readonly string[]> {
  await machine.freeze();
  try {
    const copied = [await store.copy(sandbox.id, machine.generation), ...sandbox.layers];
    store.retain(copied);
    const flat = await store.flatten(copied);
    store.retain(flat);
    store.release(copied);
    return flat;
  } finally {
    if (isRunning) {
      await machine.thaw();
    }
  }
}
