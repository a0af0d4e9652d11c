import { E2B, type Sandbox } from 'e2b';
import { timed } from '../support/statistics.js';
import { closeRaw, rawCommand } from './raw-command.js';
import { summarize, type Times, times } from './times.js';

export interface Connection {
  apiUrl: string;
  sandboxUrl: string;
  apiKey: string;
}

/** What one host did under one condition. */
export interface Figures {
  floor: Times;
  command: Times;
  /** The same shell, started in the same sandbox by a small program: no host can answer before that is over. */
  shellMs: number;
  raw: Times;
  template: Times;
  snapshot: Times;
  pause: Times;
  resume: Times;
  forkTenMs: number;
}

const rounds = 60;
const treeFiles = 20_000;

/** Every figure of a host; the SDK's floor is measured in turns with the command, so that a slow minute hits both. */
export async function measureHost(host: Connection, floor: Connection): Promise<Figures> {
  const e2b = new E2B(host);
  const floorSandbox = await new E2B(floor).Sandbox.create();
  const sandbox = await e2b.Sandbox.create({ timeoutMs: 3_600_000 });
  const warm = async () => {
    await floorSandbox.commands.run('true');
    await sandbox.commands.run('true');
  };
  for (let round = 0; round < 10; round += 1) {
    await warm();
  }
  const paired = await inTurns(
    () => floorSandbox.commands.run('true'),
    () => sandbox.commands.run('true'),
  );
  const shellMs = await shellAlone(sandbox);
  const token = String(Reflect.get(sandbox, 'envdAccessToken'));
  await times(5, () => rawCommand(host.sandboxUrl, sandbox.sandboxId, token));
  const raw = await times(rounds, () => rawCommand(host.sandboxUrl, sandbox.sandboxId, token));
  closeRaw();
  const template = await firstCommands(e2b, 'base');
  const source = await sandboxWithTree(e2b);
  const { snapshotId } = await source.createSnapshot();
  const snapshot = await firstCommands(e2b, snapshotId);
  const { pause, resume } = await pauses(sandbox);
  const forks = await timed(() => source.fork({ count: 10, timeoutMs: 60_000 }));
  await Promise.all(forks.value.map((fork) => 'kill' in fork && fork.kill()));
  await Promise.all([source.kill(), sandbox.kill(), e2b.Sandbox.deleteSnapshot(snapshotId)]);
  return {
    floor: paired.left,
    command: paired.right,
    shellMs,
    raw,
    template,
    snapshot,
    pause,
    resume,
    forkTenMs: forks.durationMs,
  };
}

async function shellAlone(sandbox: Sandbox): Promise<number> {
  const count = 100;
  const script = `begin=$(date +%s%N); i=0; while [ $i -lt ${count} ]; do /bin/bash -l -c true; i=$((i+1)); done; echo $(($(date +%s%N) - begin))`;
  const { stdout } = await sandbox.commands.run(`exec /bin/sh -c '${script}'`);
  return Number(stdout) / count / 1e6;
}

async function inTurns(left: () => Promise<unknown>, right: () => Promise<unknown>) {
  const samples = { left: [] as number[], right: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    samples.left.push((await timed(left)).durationMs);
    samples.right.push((await timed(right)).durationMs);
  }
  return { left: summarize(samples.left), right: summarize(samples.right) };
}

/** From asking for a sandbox to the result of its first command. */
async function firstCommands(e2b: E2B, template: string): Promise<Times> {
  const made: Sandbox[] = [];
  const measured = await times(30, async () => {
    const sandbox = await e2b.Sandbox.create(template);
    await sandbox.commands.run('true');
    made.push(sandbox);
  });
  await Promise.all(made.map((sandbox) => sandbox.kill()));
  return measured;
}

async function sandboxWithTree(e2b: E2B): Promise<Sandbox> {
  const sandbox = await e2b.Sandbox.create({ timeoutMs: 3_600_000 });
  const perDirectory = 100;
  const script = `for d in $(seq ${treeFiles / perDirectory}); do mkdir -p tree/$d; for f in $(seq ${perDirectory}); do echo $f > tree/$d/$f; done; done`;
  await sandbox.commands.run(script, { timeoutMs: 120_000 });
  return sandbox;
}

async function pauses(sandbox: Sandbox): Promise<{ pause: Times; resume: Times }> {
  await sandbox.commands.run('exec sleep 600', { background: true, timeoutMs: 0 });
  const samples = { pause: [] as number[], resume: [] as number[] };
  for (let round = 0; round < 20; round += 1) {
    samples.pause.push((await timed(() => sandbox.pause())).durationMs);
    samples.resume.push((await timed(() => sandbox.connect())).durationMs);
  }
  return { pause: summarize(samples.pause), resume: summarize(samples.resume) };
}
