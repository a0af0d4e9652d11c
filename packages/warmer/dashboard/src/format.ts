/** Times as a person reads them. */
export function duration(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

export function share(value: number | null): string {
  return value === null ? '–' : `${Math.round(value * 100)} %`;
}

export function dollars(value: number | null): string {
  if (value === null) return '–';
  return value === 0 ? '$0' : value < 0.01 ? `$${value.toFixed(5)}` : `$${value.toFixed(2)}`;
}

const reasons: Record<string, string> = {
  pool_empty: 'the pool was empty',
  spec_changed: 'the runtime had changed',
  expired: 'the sandbox was too old',
  unhealthy: 'the sandbox was broken',
  quota: 'the budget was used up',
  disabled: 'the pool keeps none hot',
  provider_error: 'the provider failed',
};

/** Why a claim was not answered HOT. */
export function reasonText(reason: string): string {
  return reasons[reason] ?? reason;
}
