import type { DurationBook } from '../claim/durations.js';
import type { ProviderSandbox } from '../provider.js';
import type { Runtime } from '../runtime.js';
import type { WarmUpNode } from '../warm-up/nodes.js';
import { type BundleDecision, chooseBundles } from './bundle.js';
import type { RuntimePack, RuntimeSpecialiser } from './specialiser.js';

export interface SharingDetails {
  readonly specialiser: RuntimeSpecialiser | undefined;
  readonly durations: DurationBook;
  /** Room for packs in a generic sandbox. */
  readonly roomMebibytes: number;
  /** Runtimes that a generic sandbox may answer for. */
  runtimes(): Iterable<Runtime>;
  /** By what was asked for so far. */
  claimsPerHour(runtime: string): number;
}

/** Guess of what moves into a sandbox per second until it was measured. */
const guessMebibytesPerSecond = 50;
/** Guess of what linking takes until it was measured, in milliseconds. */
const guessLinkMs = 30;

/** Which runtimes share a generic sandbox, and how one becomes a sandbox of a runtime. */
export class Sharing {
  readonly #details: SharingDetails;

  constructor(details: SharingDetails) {
    this.#details = details;
  }

  packOf(runtime: Runtime): RuntimePack | undefined {
    return this.#details.specialiser?.packOf(runtime.name);
  }

  /** Parts of the warm-up that the runtime's pack stands for. */
  provided(runtime: Runtime, nodes: readonly WarmUpNode[]): readonly WarmUpNode[] {
    const names = new Set(this.packOf(runtime)?.provides ?? []);
    return nodes.filter(({ name }) => names.has(name) || names.has(name.replace(/^step:/, '')));
  }

  /** What each generic template carries, and why. Decided from use and from what bundling costs. */
  decide(): readonly BundleDecision[] {
    const { durations, roomMebibytes, claimsPerHour } = this.#details;
    const candidates = [...this.#details.runtimes()].flatMap((runtime) => {
      const pack = this.packOf(runtime);
      if (!pack) return [];
      const fetchMs = durations.expect(durationOf(pack, 'fetched'), (pack.mebibytes / guessMebibytesPerSecond) * 1_000);
      const linkMs = durations.expect(durationOf(pack, 'bundled'), guessLinkMs);
      return {
        runtime: runtime.name,
        template: runtime.template,
        claimsPerHour: claimsPerHour(runtime.name),
        savedSeconds: Math.max(0, fetchMs.p50Ms - linkMs.p50Ms) / 1_000,
        mebibytes: pack.mebibytes,
      };
    });
    return chooseBundles(candidates, { room: roomMebibytes });
  }

  /** Makes a fresh generic sandbox carry what was decided for its template. */
  async bundle(template: string, sandbox: ProviderSandbox, signal: AbortSignal): Promise<void> {
    const bundled = this.decide().find((decision) => decision.template === template)?.bundled ?? [];
    if (bundled.length > 0) await this.#details.specialiser?.bundle(bundled, sandbox, { signal });
  }

  /** Makes a generic sandbox one of the runtime, as far as its pack goes. */
  async link(runtime: Runtime, sandbox: ProviderSandbox, signal: AbortSignal, nowMs: () => number): Promise<void> {
    const { specialiser, durations } = this.#details;
    const pack = this.packOf(runtime);
    if (!specialiser || !pack) return;
    const beganMs = nowMs();
    const way = await specialiser.link(runtime.name, sandbox, { signal });
    durations.record(durationOf(pack, way), nowMs() - beganMs);
  }
}

function durationOf(pack: RuntimePack, way: 'bundled' | 'fetched'): string {
  return `pack ${way} ${pack.key}`;
}
