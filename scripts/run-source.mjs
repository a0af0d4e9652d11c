import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// By its place, for the command may be run from any folder.
const preload = new URL('source.mjs', import.meta.url).href;

/** Runs a command of a checkout that was not built yet from its TypeScript source. Published packages always have a build. */
export function runSource(source) {
  const child = spawn(
    process.execPath,
    ['--conditions=@pilotlight/source', '--import', preload, fileURLToPath(source), ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  // The terminal sends its signals to both; what comes from elsewhere is passed on.
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGINT', () => {});
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
