/** How a step of the start stands, for `/readyz`. */
export type StepState = 'wait' | 'pass' | { state: 'fail' | 'pass'; message: string };

export interface KeepTryingParts {
  signal: AbortSignal;
  pause(durationMs: number, signal: AbortSignal): Promise<void>;
  /** Told of every failure and of the end. */
  tell(state: StepState): void;
  /** What a person may read of an error. */
  explain(error: unknown): string;
}

const firstWaitMs = 500;
const longestWaitMs = 30_000;

/** Tries until it works, ever more slowly: what a service needs may come later than the service itself. */
export async function keepTrying(work: () => Promise<string | undefined>, parts: KeepTryingParts): Promise<void> {
  for (let waitMs = firstWaitMs; !parts.signal.aborted; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    try {
      const message = await work();
      parts.tell(message === undefined ? 'pass' : { state: 'pass', message });
      return;
    } catch (error) {
      // What fails because the service is being closed is no news.
      if (parts.signal.aborted) return;
      parts.tell({ state: 'fail', message: parts.explain(error) });
      await parts.pause(waitMs, parts.signal);
    }
  }
}
