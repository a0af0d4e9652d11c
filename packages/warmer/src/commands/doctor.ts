import { defineCommand } from 'citty';
import Table from 'cli-table3';
import { examine } from '../operation/doctor.js';
import { attempt } from './run.js';
import { settingFlags, settingsOf } from './settings.js';

export const doctorCommand = defineCommand({
  meta: { name: 'doctor', description: 'Check an installation and say what is wrong' },
  args: { ...settingFlags, json: { type: 'boolean', description: 'Print one JSON object', default: false } },
  run: ({ args }) =>
    attempt(async () => {
      const findings = await examine(() => settingsOf(args));
      const failed = findings.some((finding) => finding.state === 'fail');
      if (args.json) console.log(JSON.stringify({ healthy: !failed, findings }));
      else {
        const table = new Table({ head: ['', 'check', 'finding'], colWidths: [6, 20, 90], wordWrap: true });
        for (const { state, name, message } of findings) table.push([state, name, message]);
        console.log(table.toString());
      }
      if (failed) process.exitCode = 1;
    }),
});
