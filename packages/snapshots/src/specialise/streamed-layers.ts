import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { tap } from '../archive/tap.js';
import { createDigest } from '../digest.js';
import { IntegrityError } from '../errors.js';
import { layerFile, type PackLayer } from '../packs/pack-format.js';
import { expectScript, quote, runScript, writeStream } from '../workspace/sandbox.js';
import { unpackScript } from './places.js';
import type { LayerSource } from './ways.js';

/** A client that keeps a request for a second attempt keeps its body too, so no body is larger than this. */
const partBytes = 16 * 1024 * 1024;

/** Layers of a pack that lies in a directory of this machine, sent as they are. */
export function streamedLayers(packDirectory: string): LayerSource {
  return {
    way: 'streamed',
    fetch: async ({ sandbox, meta, layer, bundle, access }) => {
      const position = meta.layers.findIndex(({ digest }) => digest === layer.digest);
      const path = join(packDirectory, layerFile(meta, position));
      const file = `${bundle}/${layer.digest}.sent`;
      const parts = partsOf(layer, file);
      const everything = [file, ...parts.map((part) => part.file)].map(quote).join(' ');
      const digest = createDigest();
      for (const part of parts) {
        const source = createReadStream(path, { start: part.start, end: part.start + partBytes - 1 });
        const checked = tap((bytes) => digest.update(bytes));
        source.on('error', (error) => checked.destroy(error));
        await writeStream(sandbox, part.file, source.pipe(checked), access);
      }
      if (digest.hex() !== layer.fileDigest) {
        await runScript(sandbox, `rm -f ${everything}`, access);
        throw new IntegrityError(layer.fileDigest, path, 'the file has another digest');
      }
      const script = [
        ...parts
          .slice(1)
          .map((part) => `cat ${quote(part.file)} >> ${quote(file)} && rm -f ${quote(part.file)} || exit 1`),
        unpackScript({ ...layer, bundle, file, origin: 'sent' }),
        `rm -f ${everything}`,
      ];
      await expectScript(sandbox, script.join('\n'), access, `Unpacking layer ${layer.name}`);
      return true;
    },
  };
}

/** The first part is the file itself; the others are put behind it in the sandbox. */
function partsOf(layer: PackLayer, file: string): { file: string; start: number }[] {
  const count = Math.max(1, Math.ceil(layer.fileBytes / partBytes));
  return Array.from({ length: count }, (_, index) => ({
    file: index === 0 ? file : `${file}.${index}`,
    start: index * partBytes,
  }));
}
