import { Sandbox, type SandboxOpts } from 'e2b';

/**
 * The pool that most teams write first. It works on a quiet day:
 *
 * - a crash leaks every sandbox that was idle, since nobody knows of them any more;
 * - `warm` runs once more for each of a burst's callers, all at the same time, into the provider's limits;
 * - idle sandboxes end after E2B's five minutes, and the next caller is handed a dead one;
 * - who waits sees nothing, and who is refused learns nothing;
 * - with env at create, a caller's values would have to be known before there is a caller.
 */
export class HandWrittenPool {
  readonly #idle: Sandbox[] = [];
  #filling: Promise<void> | undefined;

  constructor(
    private readonly connection: SandboxOpts,
    private readonly size: number,
  ) {}

  async fill(): Promise<void> {
    while (this.#idle.length < this.size) this.#idle.push(await this.#warm());
  }

  async acquire(): Promise<Sandbox> {
    const sandbox = this.#idle.pop() ?? (await this.#warm());
    this.#filling = this.fill().catch((error) => console.error(`The pool was not filled: ${String(error)}`));
    return sandbox;
  }

  async drain(): Promise<void> {
    await this.#filling;
    await Promise.all(this.#idle.splice(0).map((sandbox) => sandbox.kill()));
  }

  async #warm(): Promise<Sandbox> {
    const sandbox = await Sandbox.create('base', this.connection);
    await sandbox.files.write('/home/user/app/settings.json', '{ "ready": true }');
    await sandbox.commands.run('python3 -m json.tool settings.json', { cwd: '/home/user/app' });
    return sandbox;
  }
}
