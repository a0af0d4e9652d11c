import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { pooled } from '../support/pools.js';
import { timed } from '../support/statistics.js';
import { client, type Group, percentileRows, percentileValues, portOf } from './group.js';
import { browser } from './runtimes.js';

const actionRow = 'action in a warm browser context (click, read the DOM)';
const screenshotRow = 'first screenshot, from the claim of a hot browser';

export const browsers: Group = {
  name: 'browser',
  wanted: [...percentileRows(actionRow, [100, 200, 500]), ...percentileRows(screenshotRow, [500, 1000, 2000])],
  missing: () =>
    existsSync('/usr/lib/chromium/chromium')
      ? undefined
      : 'no system Chromium; install it with: apt-get install chromium',
  measure: async (host, rounds) => {
    await using pilotlight = client(host, browser);
    const screenshotsMs: number[] = [];
    const actionsMs: number[] = [];
    for (let turn = 0; turn < Math.max(5, Math.ceil(rounds / 2)); turn += 1) {
      await pilotlight.warming.resume();
      await pooled(pilotlight, browser.name, 'hot', 1);
      // At a provider the refill starts a browser on another machine. Here it waits until this one was measured.
      await pilotlight.warming.pause();
      const { value, durationMs } = await timed(async () => {
        const sandbox = await pilotlight.sandbox(browser.name);
        const { url, headers } = portOf(host, sandbox, 9222);
        const connection = await chromium.connectOverCDP(url, { headers });
        const page = connection.contexts()[0]?.pages()[0];
        if (!page) throw new Error('The browser has no page open.');
        await page.screenshot();
        return { sandbox, connection, page };
      });
      screenshotsMs.push(durationMs);
      for (let action = 1; action <= 10; action += 1) {
        const clicked = await timed(async () => {
          await value.page.click('button');
          return value.page.title();
        });
        if (clicked.value !== String(action)) throw new Error(`The page counted ${clicked.value} of ${action} clicks.`);
        actionsMs.push(clicked.durationMs);
      }
      await value.connection.close();
      await value.sandbox.kill();
    }
    return { ...percentileValues(actionRow, actionsMs), ...percentileValues(screenshotRow, screenshotsMs) };
  },
};
