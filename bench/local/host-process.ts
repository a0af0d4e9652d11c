import { startLocalHost } from '@pilotlight/local';
import { endWithParent } from './end-with-parent.js';

/**
 * A host in a process of its own, so that what is measured on the client's side is not its own event loop.
 * `HOLD_MB` makes it hold that much memory: a host that spawned by itself would get slower with it.
 */
const host = await startLocalHost();
const holdMegabytes = Number(process.env.HOLD_MB ?? 0);
const ballast = Array.from({ length: holdMegabytes }, () => Buffer.alloc(1024 * 1024, 1));
console.log(
  JSON.stringify({ ...host.connectionOptions, isolation: host.isolation, pid: process.pid, held: ballast.length }),
);
endWithParent(() => {
  // Named once more at the end, so that the memory is really held until then.
  ballast.length = 0;
  void host.close().then(() => process.exit(0));
});
