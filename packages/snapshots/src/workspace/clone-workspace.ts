import type { Digest } from '../digest.js';
import type { Snapshot } from '../store/snapshot-record.js';
import {
  type RestorableStore,
  type RestoredWorkspace,
  type RestoreWorkspaceOptions,
  restoreWorkspace,
} from './restore-workspace.js';
import type { WorkspaceSandbox } from './sandbox.js';

/** What cloning a template workspace needs of a store. */
export interface CloningStore extends RestorableStore {
  clone(id: Digest, owner: string): Promise<Snapshot>;
}

/**
 * Gives an owner a template workspace of its own, in a sandbox, in one step: {@link CloningStore.clone}, then
 * {@link restoreWorkspace} of the clone.
 *
 * @throws SnapshotError as these two
 */
export async function cloneWorkspace(
  store: CloningStore,
  sandbox: WorkspaceSandbox,
  templateId: Digest,
  owner: string,
  path: string,
  options: RestoreWorkspaceOptions = {},
): Promise<RestoredWorkspace & { snapshot: Snapshot }> {
  const snapshot = await store.clone(templateId, owner);
  return { snapshot, ...(await restoreWorkspace(store, sandbox, snapshot.id, path, options)) };
}
