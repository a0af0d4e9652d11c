import type { ClaimAnswer, ClaimRequest } from '@pilotlight/warming';
import { createContext, type ReactNode, useContext } from 'react';

/** What the hooks need of a manager: the client of a warmer service has it, and so has the embedded manager. */
export interface WarmManager {
  claim(runtime: string, request?: ClaimRequest): Promise<ClaimAnswer>;
  intent(runtime: string, options: { userId: string; ttlMs?: number }): { cancel(): void };
}

const ManagerContext = createContext<WarmManager | undefined>(undefined);

/** Gives the hooks below it their manager. */
export function WarmProvider({ manager, children }: { manager: WarmManager; children: ReactNode }): ReactNode {
  return <ManagerContext.Provider value={manager}>{children}</ManagerContext.Provider>;
}

/** @throws TypeError outside of a {@link WarmProvider} */
export function useWarmManager(): WarmManager {
  const manager = useContext(ManagerContext);
  if (!manager)
    throw new TypeError('There is no manager. Wrap the page in <WarmProvider manager={remoteManager({ url })}>.');
  return manager;
}
