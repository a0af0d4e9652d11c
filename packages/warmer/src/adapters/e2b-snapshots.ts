import { Sandbox, type SandboxConnectOpts } from 'e2b';
import type { SnapshotHouse } from '../links/link-store.js';

/** The snapshots of an E2B account. */
export function e2bSnapshots(connection: SandboxConnectOpts): SnapshotHouse {
  return {
    async ids() {
      const ids = new Set<string>();
      const paginator = Sandbox.listSnapshots(connection);
      while (paginator.hasNext) {
        for (const { snapshotId, names } of await paginator.nextItems()) {
          ids.add(snapshotId);
          for (const name of names) ids.add(name);
        }
      }
      return ids;
    },
    async delete(snapshotId) {
      await Sandbox.deleteSnapshot(snapshotId, connection);
    },
  };
}
