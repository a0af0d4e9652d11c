// Makes a snapshot of that many small files in a store and prints its id. A process of its own, so that the memory it takes
// is not counted as that of cloning.
import { openStore } from '@pilotlight/snapshots';

const [directory, files] = process.argv.slice(2) as [string, string];
const store = await openStore({ directory, threads: 0 });
const { snapshot } = await store.captureEntries({ owner: '', parent: undefined, labels: {} }, async (writer) => {
  for (let index = 0; index < Number(files); index += 1) {
    const content = await writer.addContent(
      (async function* () {
        yield Buffer.from(`content ${index}`);
      })(),
    );
    writer.tree.add([`directory-${index % 300}`, `file-${index}`], { ...content, mode: 0o644 });
  }
});
await store.close();
process.stdout.write(`${snapshot.id}\n`);
