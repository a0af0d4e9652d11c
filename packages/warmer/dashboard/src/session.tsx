import { useIntent, useWarmSandbox } from '@pilotlight/sdk/react';
import { type ReactNode, useEffect, useId } from 'react';
import { duration, reasonText } from './format.js';
import { TerminalView } from './terminal.js';

/** One claimed sandbox of this page: asked for, followed while it warms, used in a terminal. */
export function Session({
  runtime,
  token,
  onClose,
}: {
  runtime: string;
  token: string | undefined;
  onClose(): void;
}): ReactNode {
  const sandbox = useWarmSandbox(runtime, { eager: true, userId: 'dashboard' });
  const next = useIntent(runtime, { userId: 'dashboard-next', ttlMs: 60_000 });
  const title = useId();
  useEffect(() => {
    document.getElementById(title)?.scrollIntoView({ block: 'nearest' });
  }, [title]);
  const close = (): void => {
    void sandbox.end().catch(() => undefined);
    onClose();
  };
  return (
    <section className="card session" aria-labelledby={title} data-session={sandbox.state}>
      <header>
        <h2 id={title}>{runtime}</h2>
        <span className={`tag ${sandbox.state === 'HOT' ? 'good' : ''}`}>{sandbox.state}</span>
        <button type="button" className="end" onClick={close} {...next.props} onFocus={() => {}} onInput={() => {}}>
          {sandbox.state === 'HOT' ? 'Retire' : 'Cancel'}
        </button>
      </header>
      <Body sandbox={sandbox} token={token} />
    </section>
  );
}

function Body({
  sandbox,
  token,
}: {
  sandbox: ReturnType<typeof useWarmSandbox>;
  token: string | undefined;
}): ReactNode {
  switch (sandbox.state) {
    case 'idle':
    case 'asking':
      return <p role="status">Asking…</p>;
    case 'WARMING': {
      const { progress, reason } = sandbox;
      const done = Math.round((progress?.progress ?? 0) * 100);
      const eta = progress?.eta;
      return (
        <div role="status">
          <progress max={100} value={done} aria-label="Warm-up" />
          <p>
            <strong>{done} %</strong> {progress?.phase ?? 'queued'}
            {progress?.step === undefined ? '' : `: ${progress.step}`}
            {eta === undefined || eta.p50Ms === 0
              ? ''
              : ` – about ${duration(eta.p50Ms)} left, at most ${duration(eta.p90Ms)} ${eta.samples === 0 ? '(a guess)' : `(from ${eta.samples} warm-ups)`}`}
          </p>
          <p className="quiet">Not hot at once because {reasonText(reason)}.</p>
        </div>
      );
    }
    case 'HOT': {
      const { claim } = sandbox;
      return (
        <>
          <p className="quiet" role="status">
            Handed over in {duration(claim.latencyMs)} from <strong>{claim.source}</strong>, sandbox{' '}
            <code>{claim.connection.sandboxId}</code>
          </p>
          <TerminalView sandboxId={claim.connection.sandboxId} token={token} />
        </>
      );
    }
    case 'failed':
      return (
        <div role="alert">
          <pre className="problem">{sandbox.error.message}</pre>
          <button type="button" onClick={sandbox.start}>
            Try again
          </button>
        </div>
      );
  }
}
