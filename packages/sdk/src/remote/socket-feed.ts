import { wireBearerPrefix, wireSubprotocol } from '@pilotlight/warming/client';
import type { WireEvent } from '@pilotlight/warming/wire';
import { isRefusal, isWireEvent } from './check.js';
import { fromWireError } from './errors.js';

/** One thing followed over the shared connection. */
export interface SocketFollower {
  claimId: string | undefined;
  lastEventId(): string | undefined;
  event(event: WireEvent): void;
  /** The connection is gone, or the service refused this one. Called at most once; nothing comes after it. */
  lost(error: Error): void;
}

const connectTimeoutMs = 5_000;
const idleCloseMs = 2_000;

/** One WebSocket for everything a client follows, opened with the first follower and closed after the last one. */
export class SocketFeed {
  readonly #url: string;
  readonly #protocols: string[];
  readonly #followers = new Set<SocketFollower>();
  #socket: WebSocket | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, token: string | undefined) {
    this.#url = `${url.replace(/^http/, 'ws')}/v1/events`;
    this.#protocols = [wireSubprotocol, ...(token === undefined ? [] : [`${wireBearerPrefix}${token}`])];
  }

  /** Follows until the returned function is called or the follower is told that it lost. */
  follow(follower: SocketFollower): () => void {
    clearTimeout(this.#idle);
    this.#followers.add(follower);
    if (this.#socket?.readyState === 1) this.#ask(this.#socket, follower);
    else if (!this.#socket) void this.#open();
    return () => this.#leave(follower);
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#followers.clear();
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #open(): Promise<void> {
    const Implementation = await socketClass();
    if (this.#socket || this.#followers.size === 0) return;
    const socket = new Implementation(this.#url, this.#protocols);
    this.#socket = socket;
    const tooLate = setTimeout(() => socket.close(), connectTimeoutMs);
    socket.onopen = () => {
      clearTimeout(tooLate);
      for (const follower of this.#followers) this.#ask(socket, follower);
    };
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onerror = () => {};
    socket.onclose = () => {
      clearTimeout(tooLate);
      if (this.#socket === socket) this.#socket = undefined;
      const lost = [...this.#followers];
      this.#followers.clear();
      for (const follower of lost) follower.lost(new Error('the connection was closed'));
    };
  }

  #ask(socket: WebSocket, { claimId, lastEventId }: SocketFollower): void {
    const after = lastEventId();
    socket.send(
      JSON.stringify({
        type: 'follow',
        ...(claimId === undefined ? {} : { claimId }),
        ...(after === undefined ? {} : { lastEventId: after }),
      }),
    );
  }

  #receive(text: string): void {
    const message: unknown = JSON.parse(text);
    if (isWireEvent(message)) {
      const claimId = 'claimId' in message ? message.claimId : undefined;
      for (const follower of this.#followers) {
        if (follower.claimId === undefined || follower.claimId === claimId) follower.event(message);
      }
      return;
    }
    if (!isRefusal(message)) return;
    const { claimId, error } = message;
    for (const follower of this.#followers) {
      if (follower.claimId !== claimId) continue;
      this.#followers.delete(follower);
      follower.lost(fromWireError(error));
    }
  }

  #leave(follower: SocketFollower): void {
    if (!this.#followers.delete(follower)) return;
    if (this.#socket?.readyState === 1 && follower.claimId !== undefined) {
      this.#socket.send(JSON.stringify({ type: 'unfollow', claimId: follower.claimId }));
    }
    if (this.#followers.size > 0) return;
    this.#idle = setTimeout(() => {
      if (this.#followers.size === 0) this.#socket?.close();
    }, idleCloseMs);
    if (typeof this.#idle === 'object') this.#idle.unref();
  }
}

/** The platform's own; Node 20 has none, so there it is `ws`. */
async function socketClass(): Promise<typeof WebSocket> {
  if (typeof globalThis.WebSocket === 'function') return globalThis.WebSocket;
  const { WebSocket: NodeSocket } = await import('ws');
  const implementation: unknown = NodeSocket;
  return implementation as typeof WebSocket;
}
