import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FilesWorld } from '../../../apps/cli/test/support/files-world.ts';
import { provide } from '../src/provide.ts';

/** A share of files as a person sees it, in Chromium. With RSTREAM_TEST_SCREENSHOTS=DIR pictures are left there. */
const pictures = process.env['RSTREAM_TEST_SCREENSHOTS'];
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

let world: FilesWorld;
let browser: Browser;
let page: Page;
let child: ReturnType<FilesWorld['here']['start']>;
let link = '';
const problems: string[] = [];

beforeAll(async () => {
  world = await FilesWorld.start();
  const folder = world.here.path('Holiday');
  mkdirSync(`${folder}/Photos of the first day`, { recursive: true });
  for (let at = 1; at <= 130; at += 1) writeFileSync(`${folder}/Photos of the first day/picture ${at}.png`, pixel);
  writeFileSync(`${folder}/notes.md`, '# Notes\n\n- a train at 9:40\n- <b>not bold</b>\n');
  writeFileSync(`${folder}/film.bin`, Buffer.alloc(3_000_000));
  child = world.here.start(['files', folder, '-o', 'json']);
  for await (const line of createInterface({ input: child.stdout })) {
    const status = JSON.parse(line) as { link?: string };
    link = status.link ?? '';
    if (link !== '') break;
  }
  browser = await puppeteer.launch({ executablePath: provide('chromium'), args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  page = await browser.newPage();
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('requestfailed', (request) => problems.push(request.url()));
  await page.setViewport({ width: 1000, height: 700 });
  await page.setJavaScriptEnabled(false);
}, 60_000);
afterAll(async () => {
  await browser.close();
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
  await world.stop();
}, 30_000);

async function picture(name: string): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}.png` });
}

const text = (): Promise<string> => page.$eval('body', (body) => body.textContent ?? '');
const follow = async (selector: string): Promise<void> => {
  await Promise.all([page.waitForNavigation(), page.click(selector)]);
};

it('is walked through without a script: listing, second page, preview, search', async () => {
  await page.goto(link);
  expect(page.url()).not.toContain('token');
  expect(await text()).toContain('Photos of the first day/');
  await picture('share-folder');
  await follow('a[href="/browse/Photos%20of%20the%20first%20day/"]');
  expect(await text()).toContain('Page 1 of 2');
  await follow('a[rel=next]');
  expect(await text()).toContain('picture 130.png');
  await follow('a[href$="picture%20130.png"]');
  expect(await page.$eval('img', (image) => image.complete && image.naturalWidth)).toBe(1);
  await page.goto(new URL('/browse/notes.md', page.url()).href);
  expect(await text()).toContain('<b>not bold</b>');
  await picture('share-preview');
  await page.goto(new URL('/browse/', page.url()).href);
  await page.type('input[type=search]', 'PICTURE 12');
  await follow('button');
  expect(await text()).toContain('11 found');
  await page.setViewport({ width: 360, height: 640, deviceScaleFactor: 2 });
  await picture('share-search-phone');
  expect(await page.$eval('html', (root) => root.scrollWidth)).toBeLessThanOrEqual(360);
  expect(problems).toEqual([]);
});
