import { spawnSync } from 'node:child_process';
import { type Context, type RunCodeOpts, Sandbox } from '@e2b/code-interpreter';
import { NotFoundError, TimeoutError } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalHost, startLocalHost } from '../host.js';

type RunOptions = RunCodeOpts & { language?: string; context?: Context };

const hasMatplotlib = spawnSync('/usr/bin/python3', ['-c', 'import matplotlib']).status === 0;
if (!hasMatplotlib) {
  console.warn('NOT TESTED: figures, because Matplotlib is not installed for /usr/bin/python3.');
}

describe('the code interpreter, seen by the unmodified @e2b/code-interpreter', () => {
  let host: LocalHost;
  let sandbox: Sandbox;

  beforeAll(async () => {
    host = await startLocalHost({ preloadPython: ['decimal'] });
    sandbox = await Sandbox.create({ ...host.connectionOptions, envs: { EVERYWHERE: 'yes' } });
  });

  afterAll(() => host.close());

  const run = (code: string, options: RunOptions = {}) => sandbox.runCode(code, options as RunCodeOpts);

  it('gives back the value of the last expression and keeps what was defined', async () => {
    expect((await run('x = 20\nx + 1')).text).toBe('21');
    expect((await run("  'a string'")).text).toBe('a string');
    expect((await run('x;')).results).toEqual([]);
  });

  it('streams what is printed, by whatever way, in its order', async () => {
    const lines: string[] = [];
    const code = 'import os, sys\nprint(1)\nos.system("echo 2")\nprint(3)\nprint("no", file=sys.stderr)';
    const { logs } = await run(code, { onStdout: ({ line }) => void lines.push(line) });
    expect(logs.stdout.join('')).toBe('1\n2\n3\n');
    expect(lines.join('')).toBe('1\n2\n3\n');
    expect(logs.stderr).toEqual(['no\n']);
  });

  it('shows values by all the representations they have', async () => {
    const code =
      'class Shown:\n  def _repr_html_(self): return "<b>1</b>"\n  def _repr_png_(self): return b"png"\nShown()';
    const [result] = (await run(code)).results;
    expect(result).toMatchObject({ html: '<b>1</b>', png: Buffer.from('png').toString('base64'), isMainResult: true });
    const displayed = (await run('display([1, 2])\nNone')).results[0];
    expect(displayed).toMatchObject({ text: '[1, 2]', isMainResult: false });
  });

  it.runIf(hasMatplotlib)(
    'shows a figure of Matplotlib as a picture, once, whether it is asked for or left open',
    async () => {
      const plot =
        'import matplotlib.pyplot as plt\nfigure, axes = plt.subplots(figsize=(2, 1), dpi=100)\naxes.plot([1, 4, 2])';
      for (const code of [`${plot}\nplt.show()`, `${plot};`]) {
        const { results, error } = await run(code, { timeoutMs: 60_000 });
        expect(error).toBeUndefined();
        const pictures = results.filter((result) => result.png !== undefined);
        expect(pictures).toHaveLength(1);
        const picture = Buffer.from(pictures[0]?.png ?? '', 'base64');
        expect(picture.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
        expect(picture.readUInt32BE(16)).toBeGreaterThan(100);
      }
    },
  );

  it('tells errors with name, text and the lines of the caller', async () => {
    const { error } = await run('def divide():\n  return 1 / 0\ndivide()');
    expect(error).toMatchObject({ name: 'ZeroDivisionError', value: 'division by zero' });
    expect(error?.traceback).toContain('return 1 / 0');
    expect(error?.traceback).not.toContain('pilotlight');
    expect((await run('def (')).error?.name).toBe('SyntaxError');
  });

  it('runs shell lines, and code that awaits', async () => {
    expect((await run('!echo $HOME')).logs.stdout).toEqual(['/home/user\n']);
    expect((await run('import asyncio\nawait asyncio.sleep(0)\n7')).text).toBe('7');
  });

  it.each(['python', 'javascript', 'bash'])('gives variables to one run only (%s)', async (language) => {
    const codes: Record<string, string> = {
      python: 'import os\nprint(os.environ.get("ONCE"), os.environ["EVERYWHERE"])',
      javascript: 'console.log(process.env.ONCE ?? "None", process.env.EVERYWHERE)',
      bash: 'echo ${ONCE-None} $EVERYWHERE',
    };
    const code = codes[language]!;
    const once = await run(code, { language, envs: { ONCE: "it's", EVERYWHERE: 'here' } });
    expect(once.logs.stdout.join('')).toBe("it's here\n");
    expect((await run(code, { language })).logs.stdout.join('')).toBe('None yes\n');
  });

  it('keeps contexts apart, lists, restarts and removes them', async () => {
    const context = await sandbox.createCodeContext({ cwd: '/tmp' });
    expect((await run('import os\ny = 1\nos.getcwd()', { context })).text).toBe('/tmp');
    expect((await run('y')).error?.name).toBe('NameError');
    expect(await sandbox.listCodeContexts()).toContainEqual(context);
    await sandbox.restartCodeContext(context);
    expect((await run('y', { context })).error?.value).toBe("name 'y' is not defined");
    await sandbox.removeCodeContext(context);
    expect(await sandbox.listCodeContexts()).not.toContainEqual(context);
    await expect(run('1', { context })).rejects.toBeInstanceOf(NotFoundError);
  });

  it('interrupts code whose caller left, and keeps its namespace', async () => {
    await run('kept = 5');
    await expect(run('import time\ntime.sleep(60)', { timeoutMs: 100 })).rejects.toBeInstanceOf(TimeoutError);
    expect((await run('kept')).text).toBe('5');
  });

  it('starts anew when code ended its own interpreter', async () => {
    expect((await run('import os\nos._exit(1)')).error?.name).toBe('ContextRestarting');
    expect((await run('1')).text).toBe('1');
  });

  it('runs JavaScript with imports, awaits and redeclared names', async () => {
    const code =
      "import { basename as base } from 'node:path'\nimport os from 'os'\nconst a = base('/x/y')\na + typeof os.EOL";
    expect((await run(code, { language: 'js' })).text).toBe('ystring');
    expect((await run('const a = await Promise.resolve(2); ({ a })', { language: 'js' })).text).toBe('{ a: 2 }');
    const { error } = await run('function fail() { throw new TypeError("no") }\nfail()', { language: 'js' });
    expect(error).toMatchObject({ name: 'TypeError', value: 'no' });
  });

  it('runs TypeScript without its types', async () => {
    const code = 'interface Named { name: string }\nconst named: Named = { name: "n" }; console.log(named.name)';
    expect((await run(code, { language: 'ts' })).logs.stdout).toEqual(['n\n']);
  });

  it('runs Bash with its state kept and its status told', async () => {
    expect((await run('cd /tmp; z=3; echo out; echo err >&2; (exit 4)', { language: 'bash' })).error?.value).toBe(
      'exit status 4',
    );
    const { logs } = await run('echo $z $PWD; echo err >&2', { language: 'bash' });
    expect(logs).toEqual({ stdout: ['3 /tmp\n'], stderr: ['err\n'] });
  });

  it('refuses a language by its name', async () => {
    await expect(run('1', { language: 'cobol' })).rejects.toThrow();
  });

  it('answers only the owner of a private sandbox', async () => {
    const privately = await Sandbox.create({ ...host.connectionOptions, network: { allowPublicTraffic: false } });
    expect((await privately.runCode('1')).text).toBe('1');
    const headers = { 'e2b-sandbox-id': privately.sandboxId, 'e2b-sandbox-port': '49999' };
    expect((await fetch(`${host.sandboxUrl}/contexts`, { headers })).status).toBe(403);
  });

  it('a fork of the loaded Python has the rights, the limits and the view of its sandbox, and none of the host', async () => {
    if (host.isolation === 'process') {
      return;
    }
    const code = [
      'import os, sys, decimal',
      'status = dict(l.split(":\\t") for l in open("/proc/self/status").read().splitlines() if ":\\t" in l)',
      'print(os.getuid(), os.getgid(), os.getgroups(), status["CapEff"], status["NoNewPrivs"])',
      'print(os.readlink("/proc/self/root"), os.path.exists("/proc/1"), len(os.listdir("/proc/self/fd")) < 12)',
      'print(sorted(name for name in os.environ if "TOKEN" in name or "KEY" in name))',
    ].join('\n');
    const inKernel = (await run(code)).logs.stdout.join('').split('\n');
    expect(inKernel[0]).toBe('1000 1000 [] 0000000000000000 1');
    expect(inKernel[1]).toBe('/ True True');
    expect(inKernel[2]).toBe('[]');
    const held = 'grep -E "^(Seccomp|NoNewPrivs|Cap(Inh|Prm|Eff))" /proc/self/status; cat /proc/self/cgroup; ulimit -a';
    expect((await run(`!${held}`)).logs.stdout.join('')).toBe((await sandbox.commands.run(held)).stdout);
    const namespaces = 'for n in user mnt pid net ipc uts; do readlink /proc/self/ns/$n; done';
    const { stdout } = await sandbox.commands.run(namespaces);
    expect((await run(`!${namespaces}`)).logs.stdout.join('')).toBe(stdout);
  });

  it('pauses and goes on with what was defined', async () => {
    const paused = await Sandbox.create(host.connectionOptions);
    await paused.runCode('before = 8');
    await paused.pause();
    await paused.connect();
    expect((await paused.runCode('before')).text).toBe('8');
    await paused.kill();
  });
});
