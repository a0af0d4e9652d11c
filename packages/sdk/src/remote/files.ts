import type { SandboxFile } from '@pilotlight/warming';
import type { WireClaimRequest } from '@pilotlight/warming/wire';

type WireFile = WireClaimRequest['files'][number];

/** Files as JSON can carry them. */
export function toWireFiles(files: readonly SandboxFile[]): WireFile[] {
  return files.map(({ path, content }) =>
    typeof content === 'string'
      ? { path, content, encoding: 'utf8' }
      : { path, content: toBase64(content), encoding: 'base64' },
  );
}

/** In parts, because a browser's `String.fromCharCode` takes only so many arguments. */
function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 8_192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  }
  return btoa(text);
}
