import { describe, expect, it } from 'vitest';
import { BudgetKeeper } from '../forecast/budget.js';
import { defaultPolicy } from '../forecast/default-policy.js';
import { coldStartValueSeconds } from '../forecast/price.js';
import { Trust } from '../forecast/trust.js';
import { UserHistory } from '../forecast/user-history.js';
import { lowerHull } from '../replay/frontier.js';
import { frontierSvg } from '../replay/plot.js';
import { BoundedPolicy } from './bounded.js';
import { fixedPolicy } from './fixed.js';
import { keepAlivePolicy } from './keep-alive.js';
import { scheduledPolicy } from './scheduled.js';
import { ShadowPolicy } from './shadow.js';
import type { Decision } from './target.js';

function hots(decision: Decision): Record<string, number> {
  return Object.fromEntries(decision.changed.map((target) => [target.key, target.hot]));
}

describe('shared bounds', () => {
  it('give the room to the runtime that is worth most', () => {
    const policy = new BoundedPolicy(fixedPolicy({ hot: 2 }), { maxTotalHot: 3 });
    for (const key of ['rare', 'busy', 'busy', 'busy']) policy.observe({ kind: 'claim', key, atMs: 1_000 });
    expect(hots(policy.decide(1_000))).toEqual({ busy: 2, rare: 1 });
    expect(policy.explain('rare', 1_000)?.reasons[0]).toMatch(/shared bound leaves 1/);
  });

  it('let targets grow no faster than creates are allowed', () => {
    const policy = new BoundedPolicy(fixedPolicy({ hot: 50 }), { createsPerSecond: 1 });
    policy.observe({ kind: 'claim', key: 'a', atMs: 1_000 });
    const first = policy.decide(1_000);
    expect(hots(first)).toEqual({ a: 10 });
    expect(hots(policy.decide(first.wakeAtMs!))).toEqual({ a: 11 });
  });
});

describe('the guard against drift', () => {
  it('believes the gap histograms once the network foresaw worse, class by class, and the network again later', () => {
    const trust = new Trust();
    expect(trust.share(0)).toBeGreaterThan(0.9);
    for (let lesson = 0; lesson < 30; lesson++) trust.settle(0, 4, 3);
    expect(trust.share(0)).toBeLessThan(0.01);
    expect(trust.share(1)).toBeGreaterThan(0.9);
    for (let lesson = 0; lesson < 100; lesson++) trust.settle(0, 3, 4);
    expect(trust.share(0)).toBeGreaterThan(0.9);
  });

  it('leaves the bounds of the default policy as they are', () => {
    const policy = defaultPolicy({ coldStartValueSeconds: 600, bounds: { maxTotalHot: 1 } });
    policy.observe({ kind: 'claim', key: 'a', atMs: 0 });
    expect(policy.name).toBe('forecast');
    expect(policy.decide(0).changed.every((target) => target.hot <= 1)).toBe(true);
  });
});

describe('shadow mode', () => {
  it('scores a policy on the same claims without letting it act', () => {
    const shadow = new ShadowPolicy(fixedPolicy({ hot: 1 }), [keepAlivePolicy({ keepSeconds: 600 })], 15);
    for (const atMs of [0, 100_000, 200_000]) shadow.observe({ kind: 'claim', key: 'a', atMs });
    expect(hots(shadow.decide(200_000))).toEqual({ a: 1 });
    const [score] = shadow.scores(200_000);
    expect(score).toMatchObject({ policy: 'keep-alive', claims: 3 });
    expect(score!.coldShare).toBeCloseTo(1 / 3);
    expect(score!.idleSecondsPerClaim).toBeCloseTo((85 + 85) / 3);
  });
});

describe('a schedule', () => {
  const rules = [{ cron: '0 8 * * 1-5', timeZone: 'Europe/Berlin', durationSeconds: 3_600, hot: 4 }];
  const at = (text: string): number => Date.parse(text);

  it('orders one lead before it starts, in its own time zone, and ends in time', () => {
    const policy = scheduledPolicy({ rules, defaultLeadSeconds: 60 });
    policy.observe({ kind: 'claim', key: 'a', atMs: at('2026-07-01T03:00:00Z') });
    const night = policy.decide(at('2026-07-01T03:00:00Z'));
    expect(hots(night)).toEqual({ a: 0 });
    expect(night.wakeAtMs).toBe(at('2026-07-01T05:59:00Z'));
    expect(hots(policy.decide(night.wakeAtMs!))).toEqual({ a: 4 });
    expect(hots(policy.decide(at('2026-07-01T07:00:01Z')))).toEqual({ a: 0 });
  });

  it('refuses a pattern or a time zone it cannot read', () => {
    expect(() => scheduledPolicy({ rules: [{ ...rules[0]!, cron: 'often' }] })).toThrow(/rules\[0\]/);
    expect(() => scheduledPolicy({ rules: [{ ...rules[0]!, timeZone: 'Mars/Base' }] })).toThrow(/time zone/);
  });
});

describe('prices', () => {
  it('follow from money', () => {
    const prices = { sandboxPerHour: 0.05, coldStartSeconds: 15, waitingPerHour: 60 };
    expect(coldStartValueSeconds(prices)).toBeCloseTo(18_000);
    expect(coldStartValueSeconds({ sandboxPerHour: 0, coldStartSeconds: 1, waitingPerHour: 1 })).toBe(Infinity);
    expect(coldStartValueSeconds({ sandboxPerHour: 1, coldStartSeconds: 1 })).toBe(0);
  });

  it('rise with claims while a budget is underspent and fall while it is overdrawn', () => {
    const poor = new BudgetKeeper(3_600, 100);
    const rich = new BudgetKeeper(3_600, 100);
    const unused = new BudgetKeeper(3_600, 100);
    for (let minute = 0; minute <= 30; minute++) {
      poor.told(minute * 60, minute * 60 * 3);
      rich.claim(minute * 60);
      rich.told(minute * 60, 0);
      unused.told(minute * 60, 0);
      for (const keeper of [poor, rich, unused]) keeper.review(minute * 60);
    }
    expect(poor.price).toBeLessThan(50);
    expect(rich.price).toBeGreaterThan(200);
    expect(unused.price).toBe(100);
  });
});

describe('the history of users', () => {
  const salt = 'sixteen characters or more';
  const day = 86_400_000;

  it('keeps nothing without consent', () => {
    const history = new UserHistory({ salt });
    history.record('ann', 'node', 0, false);
    expect(history.export('ann')).toEqual([]);
    const off = new UserHistory({ salt, consent: 'off' });
    off.record('ann', 'node', 0, true);
    expect(off.export('ann')).toEqual([]);
  });

  it('holds no id in clear, exports, deletes, and forgets after the retention', () => {
    const history = new UserHistory({ salt, retentionDays: 10 });
    history.record('ann', 'node', 0, true);
    history.record('ann', 'python', 5 * day, true);
    history.record('ann', 'python', 6 * day, true);
    expect(JSON.stringify(history.save())).not.toContain('ann');
    expect(history.likely('ann', 6 * day)[0]!.runtime).toBe('python');
    const copy = new UserHistory({ salt, retentionDays: 10 });
    copy.restore(history.save());
    expect(copy.export('ann')).toHaveLength(3);
    copy.expire(12 * day);
    expect(copy.export('ann')).toHaveLength(2);
    expect(copy.delete('ann')).toBe(true);
    expect(copy.delete('ann')).toBe(false);
  });
});

describe('the frontier', () => {
  it('keeps the points that no mixture beats', () => {
    const hull = lowerHull([
      { idle: 10, cold: 0.5 },
      { idle: 20, cold: 0.45 },
      { idle: 30, cold: 0.1 },
    ]);
    expect(hull.map((point) => point.idle)).toEqual([0, 10, 30]);
  });

  it('is drawn as a picture that stands alone', () => {
    const svg = frontierSvg('Last <week>', [{ name: 'forecast', points: [{ idle: 10, cold: 0.2 }] }]);
    expect(svg).toMatch(/^<svg[^>]+xmlns/);
    expect(svg).toContain('Last &lt;week&gt;');
  });
});
