import '@xterm/xterm/css/xterm.css';
import { wireBearerPrefix, wireSubprotocol, wireTerminalAnswer } from '@pilotlight/warming/wire';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { type ReactNode, useEffect, useRef, useState } from 'react';

const firstWaitMs = 300;
const longestWaitMs = 5_000;

/** A terminal in a sandbox. A lost connection is taken up again where it broke off. */
export function TerminalView({ sandboxId, token }: { sandboxId: string; token: string | undefined }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const [state, setState] = useState('connecting');

  useEffect(() => {
    if (!place.current) return;
    const screen = new Terminal({ cursorBlink: true, fontSize: 13, screenReaderMode: false, scrollback: 5_000 });
    const fit = new FitAddon();
    screen.loadAddon(fit);
    // The one key the terminal gives back, so that a keyboard can leave it.
    screen.attachCustomKeyEventHandler((event) => !(event.key === 'Tab' && event.shiftKey));
    screen.open(place.current);
    fit.fit();
    const link = openLink({ sandboxId, token, screen, tell: setState });
    const typed = screen.onData((text) => link.type(text));
    const resized = screen.onResize(({ cols, rows }) => link.resize(cols, rows));
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(place.current);
    screen.focus();
    return () => {
      observer.disconnect();
      typed.dispose();
      resized.dispose();
      link.close();
      screen.dispose();
    };
  }, [sandboxId, token]);

  return (
    <div className="terminal">
      <div ref={place} className="screen" />
      <p className="quiet" data-terminal={state}>
        Terminal {state}. Shift+Tab leaves it.
      </p>
    </div>
  );
}

interface Link {
  type(text: string): void;
  resize(columns: number, rows: number): void;
  close(): void;
}

function openLink(parts: {
  sandboxId: string;
  token: string | undefined;
  screen: Terminal;
  tell(state: string): void;
}): Link {
  const { sandboxId, token, screen, tell } = parts;
  const encoder = new TextEncoder();
  let socket: WebSocket | undefined;
  let terminalId: string | undefined;
  let waitMs = firstWaitMs;
  let over = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const say = (message: object): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };

  const open = (): void => {
    const query = new URLSearchParams({ columns: String(screen.cols), rows: String(screen.rows) });
    if (terminalId !== undefined) query.set('terminal', terminalId);
    const url = `${window.location.origin.replace(/^http/, 'ws')}/v1/sandboxes/${sandboxId}/terminal?${query}`;
    socket = new WebSocket(url, [wireSubprotocol, ...(token === undefined ? [] : [`${wireBearerPrefix}${token}`])]);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) {
        const bytes = new Uint8Array(data);
        // Told when the screen has drawn it: a flood waits in the sandbox, not in this page.
        screen.write(bytes, () => say({ type: 'consumed', bytes: Math.max(1, bytes.length) }));
        return;
      }
      const answer = wireTerminalAnswer.safeParse(JSON.parse(String(data)));
      if (!answer.success) return;
      switch (answer.data.type) {
        case 'opened':
          terminalId = answer.data.terminalId;
          waitMs = firstWaitMs;
          tell('connected');
          return;
        case 'ended':
          over = true;
          tell('ended');
          return;
        case 'error':
          over = answer.data.error.code === 'not_found' || answer.data.error.code === 'sandbox_gone';
          tell(answer.data.error.message);
          return;
      }
    };
    socket.onclose = () => {
      if (over) return;
      tell('reconnecting');
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(longestWaitMs, waitMs * 2);
    };
  };
  open();
  return {
    type(text) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(encoder.encode(text));
    },
    resize: (columns, rows) => say({ type: 'resize', columns, rows }),
    close() {
      over = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
}
