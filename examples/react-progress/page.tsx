// The page: warms while the user is still typing, shows honest progress, and ends the sandbox when the page goes away.

import { useIntent, useWarmSandbox, WarmProvider } from '@pilotlight/sdk/react';
import { remoteManager } from '@pilotlight/sdk/remote';
import { createRoot } from 'react-dom/client';

// The development server passes /v1 on to the warmer service, so that page and service have one origin.
const manager = remoteManager({ url: location.origin });

function Workspace() {
  const sandbox = useWarmSandbox('hello-shell', { userId: 'ada' });
  // A focused field is a hint that a claim is coming; leaving it takes the hint back.
  const intent = useIntent('hello-shell', { userId: 'ada' });

  switch (sandbox.state) {
    case 'idle':
      return (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            sandbox.start();
          }}
        >
          <input aria-label="Task" placeholder="What should be done?" {...intent.props} />
          <button type="submit">Start</button>
        </form>
      );
    case 'asking':
      return <p role="status">asking</p>;
    case 'WARMING': {
      const { progress = 0, step, phase = 'queued', eta } = sandbox.progress ?? {};
      return (
        <p role="status">
          <progress value={progress} max={1} aria-label="Warming" /> {step ?? phase}
          {eta ? `, about ${(eta.p50Ms / 1000).toFixed(1)} s left` : ''}
        </p>
      );
    }
    case 'HOT':
      return (
        <p role="status">
          HOT: {sandbox.claim.source} after {Math.round(sandbox.claim.latencyMs)} ms{' '}
          <button type="button" onClick={() => void sandbox.end()}>
            End
          </button>
        </p>
      );
    case 'failed':
      return <p role="alert">{sandbox.error.message}</p>;
  }
}

const place = document.getElementById('page');
if (place) {
  createRoot(place).render(
    <WarmProvider manager={manager}>
      <h1>Workspace</h1>
      <Workspace />
    </WarmProvider>,
  );
}
