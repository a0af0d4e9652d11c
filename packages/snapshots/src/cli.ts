import { runPackCommand } from './packs/command.js';

process.exitCode = await runPackCommand(process.argv.slice(2), {
  print: (text) => process.stdout.write(`${text}\n`),
  printError: (text) => process.stderr.write(`${text}\n`),
});
