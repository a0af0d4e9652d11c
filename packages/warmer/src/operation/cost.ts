import type { WarmerConfig } from '../config/schema.js';

/** What one running sandbox costs in a time, in US dollars. */
export function sandboxCost(prices: WarmerConfig['prices'], durationMs: number): number {
  const perSecond = prices.perVcpuSecond * prices.vcpus + prices.perGibSecond * prices.gib;
  return (Math.max(0, durationMs) / 1_000) * perSecond;
}
