import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the whole test run shares; each part cleans up after itself. */
export default function setup(): () => void {
  process.env.PILOTLIGHT_TEST = '1';
  // mem0 reads these when it is loaded, and writes a file into its folder even when it has nothing to say.
  const mem0Folder = mkdtempSync(join(tmpdir(), 'pilotlight-mem0-'));
  process.env.MEM0_TELEMETRY = 'false';
  process.env.MEM0_DIR = mem0Folder;
  return () => rmSync(mem0Folder, { recursive: true, force: true });
}
