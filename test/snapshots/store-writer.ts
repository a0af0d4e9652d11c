// Run as a process of its own by `store-processes.test.ts`: captures and clones, for so many rounds or until it is killed, and
// prints what was acknowledged and what it is about to drop.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../packages/snapshots/src/index.js';

const [directory, work, seed, threads, rounds] = process.argv.slice(2) as [string, string, string, string, string];
const store = await openStore({ directory, threads: Number(threads) });
mkdirSync(work, { recursive: true });
for (let round = 0; round < Number(rounds); round += 1) {
  for (let index = 0; index < 8; index += 1) {
    writeFileSync(join(work, `file-${index}`), `${seed} ${round} ${index} `.repeat(200 + index * 400));
  }
  const { snapshot } = await store.capture(work, { owner: seed });
  process.stdout.write(`snapshot ${snapshot.id}\n`);
  const clone = await store.clone(snapshot.id, `${seed}-clone`);
  process.stdout.write(`snapshot ${clone.id}\n`);
  if (round % 4 === 3) {
    // Told before it is done: a kill between the two must not look like a loss.
    process.stdout.write(`drop ${clone.id}\n`);
    await store.drop(clone.id);
    await store.collect({ wasteShare: 0.1 });
  }
}
await store.close();
