import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useWarmManager } from './context.js';

/** Options of {@link useIntent}. */
export interface IntentHookOptions {
  userId: string;
  /** Life of the hint, in milliseconds. @default the manager's */
  ttlMs?: number;
  /** Hints as soon as the component is there; else on focus or typing. @default false */
  onMount?: boolean;
}

/** To be spread over the field that the user will type into, or the button they will press. */
export interface IntentProps {
  onFocus(): void;
  onInput(): void;
  onPointerEnter(): void;
}

/**
 * Warms a sandbox while the user is still on the way to needing it: on mount, focus or typing. It is given up when the
 * component goes away or the page is hidden.
 *
 * @example
 * ```tsx
 * const intent = useIntent('node-typescript', { userId });
 * return <textarea {...intent.props} />;
 * ```
 */
export function useIntent(
  runtime: string,
  options: IntentHookOptions,
): { props: IntentProps; signal(): void; cancel(): void } {
  const manager = useWarmManager();
  const { userId, ttlMs, onMount = false } = options;
  const open = useRef<{ cancel(): void } | undefined>(undefined);

  const cancel = useCallback((): void => {
    open.current?.cancel();
    open.current = undefined;
  }, []);
  const signal = useCallback((): void => {
    open.current ??= manager.intent(runtime, { userId, ...(ttlMs === undefined ? {} : { ttlMs }) });
  }, [manager, runtime, userId, ttlMs]);

  useEffect(() => {
    if (onMount) signal();
    const hidden = (): void => {
      if (document.visibilityState === 'hidden') cancel();
    };
    document.addEventListener('visibilitychange', hidden);
    return () => {
      document.removeEventListener('visibilitychange', hidden);
      cancel();
    };
  }, [signal, cancel, onMount]);

  const props = useMemo(() => ({ onFocus: signal, onInput: signal, onPointerEnter: signal }), [signal]);
  return { props, signal, cancel };
}
