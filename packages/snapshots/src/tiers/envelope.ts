import { promisify } from 'node:util';
import { brotliCompress, brotliCompressSync, brotliDecompress, constants } from 'node:zlib';
import { SnapshotError } from '../errors.js';

/** "PLO1", one byte for the codec, 6 bytes for the length of the content. */
const magic = Buffer.from('PLO1');
const headBytes = 11;
const codecs = { raw: 0, brotli: 1 } as const;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** Share of the size below which compression pays for its time. Measured on the head of the content. */
const worthwhileShare = 0.9;
const sampleBytes = 16 * 1024;
const smallestBytes = 512;

/**
 * Wraps content for a tier. Compressed only where a sample says that it pays: packed layers, images and the like are
 * stored as they are.
 */
export async function wrap(content: Uint8Array, compression: 'auto' | 'never'): Promise<Buffer> {
  if (compression === 'auto' && pays(content)) {
    const packed = await compress(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 4,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      },
    });
    if (packed.length < content.length * worthwhileShare)
      return Buffer.concat([head('brotli', content.length), packed]);
  }
  return Buffer.concat([head('raw', content.length), content]);
}

function pays(content: Uint8Array): boolean {
  if (content.length < smallestBytes) return false;
  const middle = Math.max(0, Math.floor(content.length / 2) - sampleBytes / 2);
  const sample = content.subarray(middle, middle + sampleBytes);
  const packed = brotliCompressSync(sample, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  return packed.length < sample.length * worthwhileShare;
}

function head(codec: keyof typeof codecs, length: number): Buffer {
  const bytes = Buffer.alloc(headBytes);
  magic.copy(bytes);
  bytes[4] = codecs[codec];
  bytes.writeUIntBE(length, 5, 6);
  return bytes;
}

/**
 * The content of what a tier gave. Never unpacks more than was promised, nor more than `maximumBytes`.
 *
 * @throws {@link SnapshotError} `archive_invalid`, `archive_too_large`
 */
export async function unwrap(bytes: Uint8Array, maximumBytes: number): Promise<Buffer> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < headBytes || !view.subarray(0, 4).equals(magic)) throw invalid('its head is wrong');
  const length = view.readUIntBE(5, 6);
  if (length > maximumBytes) {
    throw new SnapshotError(
      'archive_too_large',
      `An object promises ${length} bytes, more than the ${maximumBytes} allowed. It was not unpacked; drop it from the tier.`,
    );
  }
  const content = view.subarray(headBytes);
  switch (view[4]) {
    case codecs.raw:
      if (content.length !== length) throw invalid(`it has ${content.length} bytes where ${length} were promised`);
      return content;
    case codecs.brotli: {
      const unpacked = await decompress(content, { maxOutputLength: Math.max(1, length) }).catch((cause: unknown) => {
        throw invalid('it does not unpack to what it promises', cause);
      });
      if (unpacked.length !== length)
        throw invalid(`it unpacks to ${unpacked.length} bytes where ${length} were promised`);
      return unpacked;
    }
    default:
      throw invalid('its codec is unknown');
  }
}

function invalid(reason: string, cause?: unknown): SnapshotError {
  return new SnapshotError(
    'archive_invalid',
    `An object of a tier cannot be read: ${reason}. It was ignored; push it again.`,
    { cause },
  );
}
