// A hot code interpreter: the kernel has started and loaded its modules before anybody asks, so the first cell is fast.
//
//   npm run example code-interpreter

import { Sandbox as CodeInterpreter } from '@e2b/code-interpreter';
import { defineRuntime, Pilotlight } from '@pilotlight/sdk';
import { example } from '../support/example.js';

const notebook = defineRuntime({
  name: 'notebook',
  template: 'code-interpreter-v1',
  files: { '/home/user/sales.csv': 'month,amount\njanuary,12\nfebruary,30\nmarch,18\n' },
  pool: { target: 1 },
});

await example(async (connection, signal) => {
  // Any subclass of E2B's Sandbox can be handed out; this one's `runCode` gets the claim's environment too.
  await using pilotlight = new Pilotlight({ ...connection, runtimes: [notebook], Sandbox: CodeInterpreter });
  const sandbox = await pilotlight.sandbox('notebook', { signal, env: { CURRENCY: 'EUR' } });

  // State is kept from one run to the next, as in a notebook.
  await sandbox.runCode('import csv, os\nrows = list(csv.DictReader(open("/home/user/sales.csv")))');
  const total = await sandbox.runCode(
    'total = sum(int(row["amount"]) for row in rows)\nf"{total} {os.environ[\'CURRENCY\']}"',
  );
  console.log(`total: ${total.text}`);

  // Output arrives while the code runs.
  await sandbox.runCode('for row in rows: print(row["month"], int(row["amount"]) * 100 // total, "%")', {
    onStdout: ({ line }) => console.log(`  ${line.trim()}`),
  });

  // An error of the code is an answer, not an exception.
  const failed = await sandbox.runCode('rows[3]');
  console.log(`error: ${failed.error?.name}: ${failed.error?.value}`);
  await sandbox.kill();
});
