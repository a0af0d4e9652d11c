// @vitest-environment happy-dom
import type { Claim, ClaimAnswer, WarmingProgress } from '@pilotlight/warming';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { useIntent, useWarmSandbox, type WarmManager, WarmProvider } from './index.js';

afterEach(cleanup);

class HandManager implements WarmManager {
  readonly intents: { cancelled: boolean }[] = [];
  readonly retired: string[] = [];
  readonly cancelled: string[] = [];
  claims = 0;
  answer: 'HOT' | 'WARMING' = 'HOT';
  readonly progress: ((event: WarmingProgress) => void)[] = [];
  readonly finish: (() => void)[] = [];

  intent(): { cancel(): void } {
    const intent = { cancelled: false };
    this.intents.push(intent);
    return {
      cancel() {
        intent.cancelled = true;
      },
    };
  }

  async claim(runtime: string, request: { signal?: AbortSignal } = {}): Promise<ClaimAnswer> {
    this.claims += 1;
    const claim = this.#claim(runtime, `claim-${this.claims}`);
    if (this.answer === 'HOT')
      return { state: 'HOT', claim, source: 'hot', latencyMs: 1, ready: Promise.resolve(claim) };
    const ready = new Promise<Claim>((resolve, reject) => {
      this.finish.push(() => resolve(claim));
      request.signal?.addEventListener('abort', () => {
        this.cancelled.push(claim.claimId);
        reject(new Error('cancelled'));
      });
    });
    ready.catch(() => undefined);
    const events: WarmingProgress[] = [];
    let wake = (): void => {};
    this.progress.push((event) => {
      events.push(event);
      wake();
    });
    const eta = { p50Ms: 100, p90Ms: 200, samples: 1 };
    return {
      state: 'WARMING',
      claimId: claim.claimId,
      progress: 0,
      phase: 'queued',
      eta,
      reason: 'pool_empty',
      ready,
      cancel: async () => {},
      async *[Symbol.asyncIterator]() {
        for (let index = 0; ; index += 1) {
          while (index >= events.length) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          yield events[index]!;
        }
      },
    };
  }

  #claim(runtime: string, claimId: string): Claim {
    return {
      claimId,
      key: claimId,
      runtime,
      userId: undefined,
      source: 'hot',
      connection: { sandboxId: `s-${claimId}`, envdVersion: '0' },
      env: {},
      latencyMs: 1,
      expiresAtMs: 0,
      ack: async () => {},
      renew: async () => {},
      retire: async () => void this.retired.push(claimId),
    };
  }
}

function Page({ eager = false }: { eager?: boolean }) {
  const sandbox = useWarmSandbox('node', { eager });
  return (
    <>
      <button type="button" onClick={sandbox.start}>
        start
      </button>
      <output>
        {sandbox.state}
        {sandbox.state === 'WARMING' ? ` ${sandbox.progress?.progress ?? 0}` : ''}
        {sandbox.state === 'HOT' ? ` ${sandbox.claim.claimId}` : ''}
      </output>
    </>
  );
}

function Field({ onMount = false }: { onMount?: boolean }) {
  const intent = useIntent('node', { userId: 'ann', onMount });
  return <input aria-label="field" {...intent.props} />;
}

const shown = () => screen.getByRole('status').textContent;
const settle = () => act(() => new Promise<void>((resolve) => setTimeout(resolve)));

describe('useWarmSandbox', () => {
  it('claims on call, shows HOT, and ends the sandbox with the component', async () => {
    const manager = new HandManager();
    const page = render(<WarmProvider manager={manager}>{<Page />}</WarmProvider>);
    expect(shown()).toBe('idle');
    fireEvent.click(screen.getByRole('button'));
    await settle();
    expect(shown()).toBe('HOT claim-1');
    page.unmount();
    await settle();
    expect(manager.retired).toEqual(['claim-1']);
  });

  it('shows progress while it warms', async () => {
    const manager = new HandManager();
    manager.answer = 'WARMING';
    render(<WarmProvider manager={manager}>{<Page eager />}</WarmProvider>);
    await settle();
    expect(shown()).toBe('WARMING 0');
    const eta = { p50Ms: 1, p90Ms: 2, samples: 1 };
    manager.progress[0]!({ claimId: 'claim-1', runtime: 'node', progress: 0.5, phase: 'warming', eta, elapsedMs: 1 });
    await settle();
    expect(shown()).toBe('WARMING 0.5');
    manager.finish[0]!();
    await settle();
    expect(shown()).toBe('HOT claim-1');
  });

  it('cancels a warm-up when the component goes away, and leaves nothing in strict mode', async () => {
    const manager = new HandManager();
    manager.answer = 'WARMING';
    const page = render(
      <StrictMode>
        <WarmProvider manager={manager}>{<Page eager />}</WarmProvider>
      </StrictMode>,
    );
    await settle();
    page.unmount();
    await settle();
    expect(manager.cancelled.length + manager.retired.length).toBe(manager.claims);
  });
});

describe('useIntent', () => {
  it('hints once on focus and typing, and cancels on leave', () => {
    const manager = new HandManager();
    const page = render(<WarmProvider manager={manager}>{<Field />}</WarmProvider>);
    expect(manager.intents).toHaveLength(0);
    fireEvent.focus(screen.getByLabelText('field'));
    fireEvent.input(screen.getByLabelText('field'), { target: { value: 'a' } });
    expect(manager.intents).toEqual([{ cancelled: false }]);
    page.unmount();
    expect(manager.intents).toEqual([{ cancelled: true }]);
  });

  it('hints on mount when asked, and cancels when the page is hidden', () => {
    const manager = new HandManager();
    render(<WarmProvider manager={manager}>{<Field onMount />}</WarmProvider>);
    expect(manager.intents).toHaveLength(1);
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    expect(manager.intents[0]).toEqual({ cancelled: true });
  });
});
