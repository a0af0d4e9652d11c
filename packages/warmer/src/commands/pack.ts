import { defineCommand } from 'citty';

/** The command of `@pilotlight/snapshots`, which reads its own arguments. */
export const packCommand = defineCommand({
  meta: { name: 'pack', description: 'Build, inspect, verify and compare runtime packs' },
  run: async ({ rawArgs }) => {
    process.argv.splice(2, process.argv.length, ...rawArgs);
    await import('@pilotlight/snapshots/cli');
  },
});
