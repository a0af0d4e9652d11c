// From nothing to a hot sandbox: declare a runtime, ask for it, ask again.
//
//   npm run example quickstart

import { defineRuntime, Pilotlight } from '@pilotlight/sdk';
import { example } from '../support/example.js';

// What has to be true before a sandbox counts as hot. The steps run once for each pooled sandbox, before anybody waits.
const python = defineRuntime({
  name: 'python',
  files: { '/home/user/app/greet.py': 'import sys; print(f"Hello, {sys.argv[1]}!")\n' },
  steps: [{ name: 'compile', run: 'python3 -m compileall -q .', cwd: '/home/user/app' }],
  ready: { command: 'test -d /home/user/app/__pycache__' },
  pool: { target: 2 },
});

await example(async (connection, signal) => {
  await using pilotlight = new Pilotlight({ ...connection, runtimes: [python] });

  // Nothing is warm yet: the answer is WARMING, with honest progress until the sandbox is ready.
  const first = await pilotlight.sandbox('python', {
    signal,
    onProgress: ({ progress, phase }) => console.log(`WARMING ${Math.round(progress * 100)} % ${phase}`),
  });
  console.log((await first.commands.run('python3 app/greet.py first')).stdout.trim());
  await first.kill();

  // The pool filled itself meanwhile. `claim` says where the sandbox came from; env is given after the claim, so that it
  // never makes one cold.
  const pools = await pilotlight.warming.pools();
  await new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    pilotlight.warming.on('pool-changed', ({ hot }) => hot > 0 && resolve());
    if (pools.some(({ hot }) => hot > 0)) resolve();
  });
  const second = await pilotlight.sandbox('python', { signal, userId: 'ada', env: { NAME: 'second' } });
  console.log((await second.commands.run('python3 app/greet.py $NAME')).stdout.trim());
  console.log(`${second.claim?.source} after ${second.claim?.latencyMs.toFixed(1)} ms`);
  await second.kill();
});
