import type { ClaimAnswer, WarmingProgress } from '@pilotlight/warming';
import { useEffect, useState } from 'react';

/** The newest progress of a claim on its way; undefined for a hot one, and before there is one. */
export function useWarmingProgress(answer: ClaimAnswer | undefined): WarmingProgress | undefined {
  const [newest, setNewest] = useState<{ answer: ClaimAnswer; progress: WarmingProgress }>();
  useEffect(() => {
    if (answer?.state !== 'WARMING') return;
    let left = false;
    const follow = async (): Promise<void> => {
      for await (const progress of answer) {
        if (left) return;
        setNewest({ answer, progress });
      }
    };
    // How it ended is told by `ready`; iterating has nothing to add.
    follow().catch(() => undefined);
    return () => {
      left = true;
    };
  }, [answer]);
  return newest?.answer === answer ? newest?.progress : undefined;
}
