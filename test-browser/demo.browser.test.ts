// The demo page in a real browser: pictures show, the video seeks, each attack meets its verdict.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Browser, type Page, chromium } from 'playwright-core';
import { DEMO_ATTACKS, DEMO_PICTURES } from '../scripts/demo/plan.ts';
import { findProgram } from '../scripts/set-up/programs.ts';
import { descendantsOf } from '../test-stack/processes.ts';
import { type UpProcess, startUp, upEnvironment } from '../test-stack/up-process.ts';

jest.setTimeout(120_000);
const START_MS = 90_000;
const ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

let up: UpProcess;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  const executablePath = findProgram('chromium');
  if (executablePath === undefined) throw new Error('no Chromium found; run: sudo apt install chromium');
  up = startUp({ ...(await upEnvironment()), SEKISHO_LOG_LEVEL: 'warn' });
  const url = (await up.line(/^sekisho is up: /)).slice('sekisho is up: '.length);
  browser = await chromium.launch({ executablePath, args: ARGS });
  page = await browser.newPage({ viewport: { width: 1_200, height: 1_400 } });
  page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
  page.on('console', (message) => {
    // A refused attack is a failed request, which the browser logs by itself.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(`console: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 500 && !/\/proxy\//.test(response.url())) complaints.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(url);
  await page.waitForSelector('body[data-ready]', { timeout: 60_000 });
}, START_MS);

afterAll(async () => {
  await browser?.close();
  const pid = up?.child.pid;
  if (pid === undefined) return;
  const left = descendantsOf(pid);
  process.kill(pid, 'SIGINT');
  await up.ended;
  for (const each of left) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It went with the rest.
    }
  }
});

describe('the demo page', () => {
  it('shows every picture', async () => {
    const images = await page.$$eval('#wall img', (found) => found.map((image) => ({ alt: image.alt, width: image.naturalWidth })));
    expect(new Set(images.map(({ alt }) => alt))).toEqual(new Set(DEMO_PICTURES.map(({ title }) => title)));
    expect(images.filter(({ width }) => width === 0)).toEqual([]);
    const captions = await page.$$eval('#wall figcaption', (found) => found.map(({ textContent }) => textContent));
    for (const caption of captions) expect(caption).toMatch(/: [\d.]+ KiB → [\d.]+ KiB$/);
    expect(await page.textContent('#totals')).toMatch(/^\d+ pictures: .* KiB/);
  });

  it('plays a video that seeks', async () => {
    await page.$eval('video', async (clip) => {
      if (clip.readyState < 1) await new Promise((resolve) => clip.addEventListener('loadedmetadata', resolve, { once: true }));
      clip.currentTime = clip.duration / 2;
      await new Promise((resolve) => clip.addEventListener('seeked', resolve, { once: true }));
    });
    expect(await page.textContent('#clip-facts')).toMatch(/^seeked to [\d.]+ s of [\d.]+ s$/);
  });

  const VERDICTS: Readonly<Record<string, RegExp>> = {
    private: /^403 FORBIDDEN_TARGET$/,
    name: /^403 FORBIDDEN_TARGET$/,
    rebinding: /403 FORBIDDEN_TARGET/,
    redirect: /^403 FORBIDDEN_TARGET$/,
    bomb: /^422 UNDECODABLE$/,
    svg: /^422 UNDECODABLE$/,
    loop: /^508 LOOP$/,
    flood: /(?:429 RATE_LIMITED|503 OVERLOADED)/,
  };
  it.each(DEMO_ATTACKS.map(({ id }) => id))('shows what the attack %s met, and what it cost', async (id) => {
    await page.click(`#attack-${id}`);
    await page.waitForSelector(`tr[data-attack="${id}"][data-done]`, { timeout: 60_000 });
    const cells = await page.$$eval(`tr[data-attack="${id}"] td`, (found) => found.map(({ textContent }) => textContent ?? ''));
    expect(cells[1]).toMatch(VERDICTS[id] ?? /^$/);
    expect(cells.slice(2)).toEqual([expect.stringMatching(/^\d+ ms$/), expect.stringMatching(/^\d+ ms$/), expect.stringMatching(/^\d+ ms$/)]);
    expect(Number.parseInt(cells[4] ?? '', 10)).toBeLessThanOrEqual(60_000);
    if (id === 'flood') expect(Number.parseInt(cells[3] ?? '', 10)).toBeGreaterThan(0);
  });

  it('still shows pictures after all of this', async () => {
    const folder = process.env['SEKISHO_TEST_SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/demo.png`, fullPage: true });
    await page.reload();
    await page.waitForSelector('body[data-ready]', { timeout: 60_000 });
    const broken = await page.$$eval('#wall img', (found) => found.filter((image) => image.naturalWidth === 0).map(({ alt }) => alt));
    expect(broken).toEqual([]);
  });

  it('leaves nothing to complain about', async () => {
    expect(complaints).toEqual([]);
  });
});
