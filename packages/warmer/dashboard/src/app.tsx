import { WarmProvider } from '@pilotlight/sdk/react';
import type { RemoteWarmingManager } from '@pilotlight/sdk/remote';
import { isWarmingError } from '@pilotlight/warming';
import type { WireSession } from '@pilotlight/warming/wire';
import { type FormEvent, type ReactNode, useEffect, useMemo, useState } from 'react';
import { Claims, Links, Objectives } from './overview.js';
import { Pools } from './pools.js';
import { connect, readSession, savedToken, saveToken, usePicture } from './service.js';
import { Session } from './session.js';

type Entry =
  | { state: 'asking' }
  | { state: 'in'; session: WireSession }
  | { state: 'token'; problem: string }
  | { state: 'away' };

const askAgainMs = 2_000;

export function App(): ReactNode {
  const [token, setToken] = useState(savedToken);
  const [entry, setEntry] = useState<Entry>({ state: 'asking' });
  const manager = useMemo(() => connect(token), [token]);

  useEffect(() => {
    let left = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const session = await readSession(manager);
        if (!left) setEntry({ state: 'in', session });
      } catch (error) {
        if (left) return;
        if (isWarmingError(error) && error.code === 'provider_unauthorized') {
          setEntry({ state: 'token', problem: token === undefined ? '' : error.message });
          return;
        }
        setEntry({ state: 'away' });
        timer = setTimeout(() => void ask(), askAgainMs);
      }
    };
    void ask();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [manager, token]);

  const enter = (given: string): void => {
    saveToken(given);
    setToken(given);
    setEntry({ state: 'asking' });
  };

  switch (entry.state) {
    case 'asking':
      return <main aria-busy="true" />;
    case 'away':
      return (
        <main>
          <section className="empty" role="alert">
            <h1>The service does not answer</h1>
            <p>
              Start it with <code>npx pilotlight dev</code>, or look whether it still runs. This page comes back by
              itself.
            </p>
          </section>
        </main>
      );
    case 'token':
      return <TokenForm problem={entry.problem} onToken={enter} />;
    case 'in':
      return (
        <WarmProvider manager={manager}>
          <Board
            manager={manager}
            session={entry.session}
            token={token}
            onLeave={() => {
              saveToken(undefined);
              setToken(undefined);
            }}
          />
        </WarmProvider>
      );
  }
}

function TokenForm({ problem, onToken }: { problem: string; onToken(token: string): void }): ReactNode {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get('token');
    if (typeof given === 'string' && given !== '') onToken(given.trim());
  };
  return (
    <main>
      <form className="card token" onSubmit={submit}>
        <h1>Pilotlight</h1>
        <label htmlFor="token">Token</label>
        <input id="token" name="token" type="password" autoComplete="off" required placeholder="plt_…" />
        <p className="quiet">
          Made by the operator with <code>pilotlight token</code>. It is kept in this tab only.
        </p>
        {problem !== '' && (
          <p role="alert" className="problem">
            {problem}
          </p>
        )}
        <button type="submit" className="primary">
          Enter
        </button>
      </form>
    </main>
  );
}

function Board({
  manager,
  session,
  token,
  onLeave,
}: {
  manager: RemoteWarmingManager;
  session: WireSession;
  token: string | undefined;
  onLeave(): void;
}): ReactNode {
  const reading = usePicture(manager, session);
  const [open, setOpen] = useState<{ id: number; runtime: string }[]>([]);
  const stale = reading.state === 'shown' && reading.stale;
  return (
    <>
      <header className="top">
        <h1>Pilotlight</h1>
        <span className={`tag ${stale ? 'warn' : 'good'}`} role="status">
          {reading.state === 'loading' ? 'connecting' : stale ? 'disconnected' : 'live'}
        </span>
        <span className="quiet">
          {session.tenant} · {session.mode} · {session.version}
        </span>
        {token !== undefined && (
          <button type="button" onClick={onLeave}>
            Leave
          </button>
        )}
      </header>
      <main>
        {stale && (
          <p role="alert" className="problem">
            The service does not answer; what you see is the last it said. It is asked again every five seconds: look
            whether it still runs.
          </p>
        )}
        {open.map(({ id, runtime }) => (
          <Session
            key={id}
            runtime={runtime}
            token={token}
            onClose={() => setOpen((before) => before.filter((known) => known.id !== id))}
          />
        ))}
        {reading.state === 'shown' && (
          <>
            <Pools
              pools={reading.picture.pools}
              manager={manager}
              session={session}
              onClaim={(runtime) => setOpen((before) => [{ id: Date.now(), runtime }, ...before])}
            />
            {reading.picture.usage && <Objectives objectives={reading.picture.usage.objectives} />}
            <Claims claims={reading.picture.claims} />
            <Links links={reading.picture.links} />
          </>
        )}
      </main>
    </>
  );
}
