import { connect } from 'node:net';
import { type WireEvent, wireEvent } from '@pilotlight/warming/wire';
import { createParser } from 'eventsource-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MemoryEventLog } from '../../packages/warmer/src/adapters/memory-log.js';
import { startTestService, type TestService } from './support/start-service.js';

let test: TestService;
beforeEach(async () => {
  test = await startTestService();
});
afterEach(() => test.close());

async function claimWarming(): Promise<{ claimId: string; engineId: string }> {
  const response = await test.request('POST', '/v1/claims', { token: test.token('acme'), body: { runtime: 'node' } });
  return { claimId: (await response.json()).claimId, engineId: test.manager.warmingIds().at(-1)! };
}

/** Reads server-sent events until the service ends the stream. */
async function readAll(claimId: string, lastEventId?: string): Promise<WireEvent[]> {
  const events: WireEvent[] = [];
  const parser = createParser({ onEvent: (event) => events.push(wireEvent.parse(JSON.parse(event.data))) });
  const response = await test.request('GET', `/v1/claims/${claimId}/events`, {
    token: test.token('acme'),
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });
  const decoder = new TextDecoder();
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parser.feed(decoder.decode(part.value, { stream: true }));
  }
  return events;
}

class Follower {
  readonly heard: { type: string; id?: string; claimId?: string; outcome?: string }[] = [];
  readonly socket: WebSocket;

  constructor(url: string, token: string) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/events`, ['pilotlight.v1', `bearer.${token}`]);
    this.socket.on('message', (data) => this.heard.push(JSON.parse(data.toString())));
    this.socket.on('error', () => {});
  }

  async follow(message: Record<string, unknown> = {}): Promise<this> {
    if (this.socket.readyState !== this.socket.OPEN) await new Promise((done) => this.socket.once('open', done));
    const before = this.heard.length;
    this.socket.send(JSON.stringify({ type: 'follow', ...message }));
    await expect.poll(() => this.heard.length).toBeGreaterThan(before);
    return this;
  }

  terminals(claimId: string): number {
    return this.heard.filter((event) => event.claimId === claimId && event.outcome !== undefined).length;
  }
}

describe('server-sent events of a claim', () => {
  it('go from the current state to exactly one terminal event, and end', async () => {
    const { claimId, engineId } = await claimWarming();
    const reading = readAll(claimId);
    await expect.poll(() => test.service.context.hub.size).toBe(1);
    test.manager.progress(engineId, 0.5);
    test.manager.finish(engineId);
    const events = await reading;
    expect(events.map((event) => event.type)).toEqual([
      'claim-progress',
      'claim-progress',
      'claim-ready',
      'claim-progress',
    ]);
    expect(events.filter((event) => 'outcome' in event)).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ progress: 1, outcome: 'hot' });
    const polled = await test.request('GET', `/v1/claims/${claimId}`, { token: test.token('acme') });
    expect((await polled.json()).state).toBe('HOT');
  });

  it('resume after the last id that was read, without a gap and without a repetition', async () => {
    const { log } = test.service.context.hub;
    const before = log.head();
    const { claimId, engineId } = await claimWarming();
    for (const progress of [0.1, 0.2, 0.3]) test.manager.progress(engineId, progress);
    test.manager.finish(engineId);
    await expect.poll(() => log.after(before)?.length).toBe(6);
    const ids = log.after(before)!.map(({ event }) => event.id);
    const resumed = await readAll(claimId, ids[2]);
    expect(resumed.map((event) => event.id)).toEqual(ids.slice(3));
  });

  it('tell a late follower how it ended', async () => {
    const { claimId, engineId } = await claimWarming();
    test.manager.fail(engineId, new Error('no'));
    await expect.poll(() => test.service.context.claims.liveCount).toBe(0);
    const events = await readAll(claimId);
    expect(events).toMatchObject([{ type: 'claim-progress', outcome: 'failed' }]);
  });

  it('cut off who does not read, and nobody else', async () => {
    await test.close();
    test = await startTestService({ config: { limits: { unreadBytes: 400_000 } } });
    const { claimId, engineId } = await claimWarming();
    const { port } = new URL(test.url);
    const lazy = connect(Number(port), '127.0.0.1');
    lazy.pause();
    lazy.on('error', () => {});
    lazy.write(
      `GET /v1/claims/${claimId}/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${test.token('acme')}\r\n\r\n`,
    );
    const reading = readAll(claimId);
    await expect.poll(() => test.service.context.hub.size).toBe(2);
    // More than the socket buffers of the system hold.
    for (let step = 0; step < 100_000 && test.service.context.hub.size === 2; step += 1) {
      test.manager.progress(engineId, 0.5);
      if (step % 200 === 0) await new Promise((done) => setImmediate(done));
    }
    await expect.poll(() => test.service.context.hub.size).toBe(1);
    test.manager.finish(engineId);
    expect((await reading).at(-1)).toMatchObject({ outcome: 'hot' });
    lazy.destroy();
  });
});

describe('events over WebSocket', () => {
  it('follow many claims at once, each to exactly one terminal event', async () => {
    const follower = new Follower(test.url, test.token('acme'));
    const claims = [await claimWarming(), await claimWarming(), await claimWarming()];
    for (const { claimId } of claims) await follower.follow({ claimId });
    for (const { engineId } of claims) test.manager.finish(engineId);
    for (const { claimId } of claims) await expect.poll(() => follower.terminals(claimId)).toBe(1);
    follower.socket.terminate();
  });

  it('bring a follower that comes back what it missed, and only that', async () => {
    const first = await new Follower(test.url, test.token('acme')).follow();
    const { claimId, engineId } = await claimWarming();
    test.manager.progress(engineId, 0.3);
    await expect.poll(() => first.heard.at(-1)?.type).toBe('claim-progress');
    const lastEventId = first.heard.at(-1)!.id!;
    first.socket.terminate();
    test.manager.progress(engineId, 0.6);
    test.manager.finish(engineId);
    await expect.poll(() => test.service.context.claims.liveCount).toBe(1);
    await expect.poll(() => test.service.context.hub.log.after(lastEventId)?.length).toBe(3);
    const second = await new Follower(test.url, test.token('acme')).follow({ lastEventId });
    await expect.poll(() => second.terminals(claimId)).toBe(1);
    expect(second.heard.map((event) => event.type)).toEqual([
      'following',
      'claim-progress',
      'claim-ready',
      'claim-progress',
    ]);
    second.socket.terminate();
  });

  it('say so when what was missed is no longer kept', async () => {
    await test.close();
    test = await startTestService({ log: new MemoryEventLog({ now: Date.now, capacity: 2 }) });
    const lastEventId = test.service.context.hub.log.head();
    const { engineId } = await claimWarming();
    for (const progress of [0.1, 0.2, 0.3]) test.manager.progress(engineId, progress);
    await expect.poll(() => test.service.context.hub.log.after(lastEventId)).toBeUndefined();
    const follower = await new Follower(test.url, test.token('acme')).follow({ lastEventId });
    await expect.poll(() => follower.heard.map((event) => event.type)).toContain('stream-reset');
    follower.socket.terminate();
  });

  it('show pool numbers of shared runtimes to every tenant that may read pools', async () => {
    const follower = await new Follower(test.url, test.token('globex')).follow();
    test.manager.stock('node', 3);
    await expect.poll(() => follower.heard.at(-1)).toMatchObject({ type: 'pool-changed', runtime: 'node', hot: 3 });
    follower.socket.terminate();
  });

  it.each(['not json', '{"type":"follow","claimId":"../x"}', '{"type":"shutdown"}'])(
    'close the connection on %s',
    async (text) => {
      const follower = await new Follower(test.url, test.token('acme')).follow();
      const closed = new Promise((resolve) => follower.socket.once('close', resolve));
      follower.socket.send(text);
      expect(await closed).toBe(1007);
    },
  );

  it('end cleanly when the service stops', async () => {
    const follower = await new Follower(test.url, test.token('acme')).follow();
    const closed = new Promise((resolve) => follower.socket.once('close', resolve));
    const closing = test.close();
    expect(await closed).toBe(1012);
    await closing;
    test = await startTestService();
  });
});
