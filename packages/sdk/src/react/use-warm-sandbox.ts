import type { Claim, ClaimAnswer, ClaimRequest, MissReason, WarmingProgress } from '@pilotlight/warming';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useWarmManager } from './context.js';
import { useWarmingProgress } from './use-warming-progress.js';

/** Where a page is with its sandbox. */
export type WarmSandboxState =
  | { state: 'idle' }
  | { state: 'asking' }
  | { state: 'WARMING'; progress: WarmingProgress | undefined; reason: MissReason }
  | { state: 'HOT'; claim: Claim }
  | { state: 'failed'; error: Error };

/** Options of {@link useWarmSandbox}. */
export interface WarmSandboxOptions extends Omit<ClaimRequest, 'signal' | 'onProgress'> {
  /** Claims as soon as the component is there. @default false */
  eager?: boolean;
  /** What happens to a claimed sandbox when the component goes away. @default 'retire' */
  onLeave?: 'retire' | 'keep';
}

type Stage =
  | { state: 'idle' | 'asking' }
  | { state: 'answered'; answer: ClaimAnswer }
  | { state: 'HOT'; claim: Claim }
  | { state: 'failed'; error: Error };

/**
 * A sandbox for a component: claimed on call or at once, followed while it warms, ended with the component.
 *
 * @example
 * ```tsx
 * const { state, claim } = useWarmSandbox('node-typescript', { userId });
 * ```
 */
export function useWarmSandbox(
  runtime: string,
  options: WarmSandboxOptions = {},
): WarmSandboxState & { start(): void; end(): Promise<void> } {
  const manager = useWarmManager();
  const [stage, setStage] = useState<Stage>({ state: 'idle' });
  const newest = useRef(options);
  newest.current = options;
  /** Each start has its own; what belongs to an older one is ended instead of shown. */
  const current = useRef<{ stop: AbortController; claim?: Claim } | undefined>(undefined);

  const end = useCallback(async (): Promise<void> => {
    const ending = current.current;
    current.current = undefined;
    setStage({ state: 'idle' });
    ending?.stop.abort();
    await ending?.claim?.retire();
  }, []);

  const start = useCallback((): void => {
    if (current.current) return;
    const mine: { stop: AbortController; claim?: Claim } = { stop: new AbortController() };
    current.current = mine;
    const show = (next: Stage): void => {
      if (current.current === mine) setStage(next);
    };
    const run = async (): Promise<void> => {
      show({ state: 'asking' });
      const { eager: _, onLeave: __, ...request } = newest.current;
      const answer = await manager.claim(runtime, { ...request, signal: mine.stop.signal });
      show({ state: 'answered', answer });
      const claim = await answer.ready;
      if (current.current !== mine) {
        await claim.retire();
        return;
      }
      mine.claim = claim;
      await claim.ack();
      show({ state: 'HOT', claim });
    };
    run().catch((error: unknown) => {
      show({ state: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
      if (current.current === mine) current.current = undefined;
    });
  }, [manager, runtime]);

  const { eager } = options;
  useEffect(() => {
    if (eager) start();
    return () => {
      const leaving = current.current;
      current.current = undefined;
      leaving?.stop.abort();
      if (newest.current.onLeave !== 'keep') leaving?.claim?.retire().catch(() => undefined);
    };
  }, [start, eager]);

  const progress = useWarmingProgress(stage.state === 'answered' ? stage.answer : undefined);
  return { ...shown(stage, progress), start, end };
}

function shown(stage: Stage, progress: WarmingProgress | undefined): WarmSandboxState {
  switch (stage.state) {
    case 'answered':
      return stage.answer.state === 'WARMING'
        ? { state: 'WARMING', progress, reason: stage.answer.reason }
        : { state: 'asking' };
    case 'idle':
    case 'asking':
      return { state: stage.state };
    case 'HOT':
      return { state: 'HOT', claim: stage.claim };
    case 'failed':
      return { state: 'failed', error: stage.error };
  }
}
