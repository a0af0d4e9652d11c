import { defineCommand, runMain } from 'citty';
import { version } from './version.js';

const main = defineCommand({
  meta: { name: 'pilotlight', version, description: 'Hot sandboxes for AI apps: the warmer service and its tools.' },
  subCommands: {
    dev: () => import('./commands/dev.js').then((module) => module.devCommand),
    serve: () => import('./commands/serve.js').then((module) => module.serveCommand),
    token: () => import('./commands/token.js').then((module) => module.tokenCommand),
    pack: () => import('./commands/pack.js').then((module) => module.packCommand),
    replay: () => import('./commands/replay.js').then((module) => module.replayCommand),
    doctor: () => import('./commands/doctor.js').then((module) => module.doctorCommand),
  },
});

void runMain(main);
