import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessWorld } from '@rstream/testkit';
import { BrowserPage } from '../src/browser-page.ts';
import { provide } from '../src/provide.ts';

const desktop = { width: 1000, height: 620 };
const phone = { width: 360, height: 640, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

let world: ProcessWorld;
let browser: Browser;
let url: string;
let token: string;

beforeAll(async () => {
  world = await ProcessWorld.start();
  await world.startDevice('device', ['--allow-terminal', '--publish', '--hostname', 'device']);
  const ready = readdirSync(world.folder).find((name) => name.startsWith('device-') && name.endsWith('.ready.json')) ?? '';
  url = (JSON.parse(readFileSync(join(world.folder, ready), 'utf8')) as { forwarding: string }).forwarding;
  token = await visitorToken('visitor');
  browser = await puppeteer.launch({ executablePath: provide('chromium'), args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

async function visitorToken(name: string, resources?: object): Promise<string> {
  const args: string[] = [];
  if (resources !== undefined) {
    const file = join(world.folder, `${name}.resources.json`);
    writeFileSync(file, JSON.stringify(resources));
    args.push('--resources-file', file);
  }
  return readFileSync(await world.createToken({ name, permissions: ['tunnels.streams.create-delete'], args }), 'utf8').trim();
}

const withToken = (address: string, secret: string): string => {
  const [base = '', fragment] = address.split('#');
  return `${base}?rstream.token=${secret}${fragment === undefined ? '' : `#${fragment}`}`;
};

/** A tab of a browser that knows nothing, with the terminal open. */
async function visit(viewport: typeof desktop = desktop, address = withToken(`${url}/`, token)): Promise<BrowserPage> {
  const tab = await BrowserPage.open(await browser.createBrowserContext(), viewport);
  await tab.goto(address);
  await tab.status('Online');
  return tab;
}

/** Types a command whose output cannot be mistaken for its echo. */
const say = (tab: BrowserPage, word: string): Promise<void> => tab.type(`echo "${word}"-$((40+2))\n`);

describe('the page of a device, in Chromium', () => {
  it('opens with a token that is nowhere to be seen afterwards, and runs what is typed', async () => {
    const tab = await visit();
    expect(tab.page.url()).toBe(`${url}/`);
    const traces = await tab.page.evaluate(() => [
      document.cookie,
      JSON.stringify(sessionStorage),
      JSON.stringify(localStorage),
      document.body.innerHTML,
    ]);
    expect(traces.join('\n')).not.toContain(token);
    await tab.page.goBack().catch(() => null);
    expect(tab.page.url()).not.toContain(token);
    await tab.goto(`${url}/`);
    await tab.status('Online');
    await say(tab, 'typed');
    await tab.shows('typed-42');
    await tab.picture('desktop');
    expect(tab.complaints).toEqual([]);
  });

  it('tells the program its size, again when the window changes', async () => {
    const tab = await visit();
    const sizeOf = async (mark: string): Promise<number[]> => {
      await tab.type(`echo ${mark}=$(stty size)=\n`);
      await tab.page.waitForFunction(
        (wanted) => new RegExp(`${wanted}=\\d+ \\d+=`).test(document.querySelector('.xterm-accessibility-tree')?.textContent ?? ''),
        {},
        mark,
      );
      return (new RegExp(`${mark}=(\\d+) (\\d+)=`).exec(await tab.screen()) ?? []).slice(1).map(Number);
    };
    const [rows = 0, columns = 0] = await sizeOf('large');
    await tab.page.setViewport({ width: 640, height: 400 });
    const [fewer = 0, narrower = 0] = await sizeOf('small');
    expect(columns).toBeGreaterThan(90);
    expect(narrower).toBeLessThan(columns * 0.7);
    expect(fewer).toBeLessThan(rows * 0.75);
  });

  it('shows wide and combined characters, and sends them whole', async () => {
    const tab = await visit();
    await tab.type('echo "up"-$((40+2)); cat\n');
    await tab.shows('up-42');
    await tab.compose('日本語 żółw 🙂|');
    await tab.shows('日本語 żółw 🙂|');
    await tab.page.keyboard.press('Enter');
    await tab.page.waitForFunction(
      () => (document.querySelector('.xterm-accessibility-tree')?.textContent.split('日本語 żółw 🙂|').length ?? 0) > 2,
    );
    expect(await tab.screen()).toMatch(/日本語 żółw 🙂\|[^日]+日本語 żółw 🙂\|/);
    await tab.picture('unicode');
  });

  it('goes on with its session after a reload', async () => {
    const tab = await visit();
    await tab.type('KEPT=treasure; echo marker-$((1+1))\n');
    await tab.shows('marker-2');
    await tab.page.reload();
    await tab.status('Online');
    await tab.shows('marker-2');
    await say(tab, '$KEPT');
    await tab.shows('treasure-42');
    expect(tab.complaints).toEqual([]);
  });

  it('finds text, and remembers the size of the font', async () => {
    const tab = await visit();
    await say(tab, 'needle');
    await tab.shows('needle-42');
    await tab.page.keyboard.down('Control');
    await tab.page.keyboard.down('Shift');
    await tab.page.keyboard.press('KeyF');
    await tab.page.keyboard.up('Shift');
    await tab.page.keyboard.up('Control');
    await tab.page.waitForSelector('.search input:focus');
    await tab.type('needle-42');
    // What is found is looked for while it is typed: beginnings of the word may show as missing until the screen has them.
    await tab.page.waitForSelector('.search input:not(.missing)');
    await tab.picture('search');
    await tab.type('-nowhere');
    await tab.page.waitForSelector('.search input.missing');
    await tab.page.keyboard.press('Escape');
    await tab.click('Tools');
    await tab.click('Larger font');
    await tab.picture('menu');
    const kept = (): Promise<string> => tab.page.evaluate(() => localStorage.getItem('rstream.preferences') ?? '');
    await expect.poll(kept, { timeout: 10_000 }).toContain('"fontSize":15');
  });

  it('asks before a program fills the clipboard, and before a link is opened', async () => {
    const tab = await visit();
    await tab.type(String.raw`printf '\033]52;c;aGVsbG8=\007'` + '\n');
    expect(await tab.notice('clipboard')).toMatch(/5 characters.*hello/);
    await tab.picture('clipboard');
    await tab.click('Refuse');
    await tab.page.waitForSelector('.notice', { hidden: true });
    await tab.type('clear; echo http://127.0.0.1:1/$((40+2))\n');
    await tab.shows('1/42');
    await tab.clickText('1/42');
    expect(await tab.notice('Open this link?')).toContain('http://127.0.0.1:1/42');
    expect(await browser.pages()).not.toContainEqual(expect.objectContaining({ url: expect.stringContaining(':1/42') }));
    await tab.click('Cancel');
    await tab.page.waitForSelector('.notice', { hidden: true });
    await tab.click('Latency');
    await tab.page.waitForFunction(() => /\d+ ms/.test(document.querySelector('.status')?.textContent ?? ''));
  });

  it('says how the session ended, starts no other unasked, not even after a reload, and one when asked', async () => {
    const tab = await visit();
    await tab.type('exit 3\n');
    await tab.notice('exit code 3');
    await tab.picture('ended');
    await tab.page.reload();
    await tab.notice('exit code 3');
    await tab.status('Ended');
    await tab.click('Start a new session');
    await tab.status('Online');
    await say(tab, 'another');
    await tab.shows('another-42');
    expect(await tab.page.evaluate(() => sessionStorage.getItem('rstream.session'))).toContain('running');
  });

  it('shares a session read-only, with a token that opens nothing else', async () => {
    const owner = await visit();
    await say(owner, 'shown');
    await owner.shows('shown-42');
    await owner.click('Tools');
    await owner.click('Share, read-only');
    const link = /https?:\/\/\S+#[\w-]+\.[\w-]+?(?=Copy)/.exec(await owner.notice('read-only'))?.[0] ?? '';
    await owner.picture('share-dialog');
    const { pathname, hash } = new URL(link);
    const regex = `${pathname.replaceAll('/', '\\/')}.*`;
    const narrow = await visitorToken('guest', { tunnels: { scopes: { tunnels: { connect: { params: { path: { regex } } } } } } });
    const guest = await visit(desktop, withToken(link, narrow));
    expect(guest.page.url()).toBe(`${url}${pathname}`);
    expect(await guest.page.evaluate(() => document.body.innerHTML + JSON.stringify(history.state))).not.toContain(hash.slice(1));
    await guest.shows('shown-42');
    await say(guest, 'intruder');
    await say(owner, 'later');
    await guest.shows('later-42');
    expect(await owner.screen()).not.toContain('intruder');
    expect(await guest.page.$eval('.status', (bar) => bar.textContent)).toContain('read only');
    await guest.picture('share');
    await guest.page.reload();
    await guest.shows('later-42');
    const elsewhere = await guest.page.goto(`${url}/`);
    expect(elsewhere?.status()).toBe(403);
    expect(guest.complaints).toEqual([]);
  });

  it('opens a terminal with the link that the command line made, and loses it when that is taken back', async () => {
    const owner = await visit();
    await say(owner, 'linked');
    await owner.shows('linked-42');
    const { id } = JSON.parse(await owner.page.evaluate(() => sessionStorage.getItem('rstream.session') ?? '{}')) as { id: string };
    const session = ['--url', 'rstrm://device', '--session', id];
    const { stdout } = await world.run('rstream', ['webtty', 'sessions', 'share', ...session, '-o', 'json']);
    const { link } = JSON.parse(stdout) as { link: string };
    const guest = await visit(desktop, link);
    await guest.shows('linked-42');
    expect(guest.page.url()).not.toContain('token');
    await world.run('rstream', ['webtty', 'sessions', 'unshare', ...session]);
    await guest.page.waitForFunction(() => !document.querySelector('.status')?.textContent?.includes('Online'));
  });

  it('lets a second viewer ask for control, and the first one answer', async () => {
    const first = await visit();
    await say(first, 'mine');
    await first.shows('mine-42');
    const { id } = JSON.parse(await first.page.evaluate(() => sessionStorage.getItem('rstream.session') ?? '{}')) as { id: string };
    const second = await visit(desktop, withToken(`${url}/#attach=${id}`, token));
    await second.shows('mine-42');
    await say(second, 'intruder');
    await second.click('Ask for control');
    await first.notice('asks for control');
    await first.picture('control');
    await first.click('Refuse');
    await second.click('Refused. Ask again');
    await first.notice('asks for control');
    await first.click('Hand over');
    await second.page.waitForFunction(() => document.querySelector('.role') === null);
    await first.page.waitForSelector('.role');
    await second.page.click('.terminal');
    await say(second, 'theirs');
    await first.shows('theirs-42');
    await say(first, 'intruder');
    await say(second, 'again');
    await first.shows('again-42');
    expect(await first.screen()).not.toContain('intruder');
    await first.picture('viewer');
  });

  it('stays with its tab when that is duplicated', async () => {
    const first = await visit();
    await say(first, 'mine');
    const kept = await first.page.evaluate(() => sessionStorage.getItem('rstream.session') ?? '');
    const twin = await BrowserPage.open(first.page.browserContext(), desktop);
    await twin.page.evaluateOnNewDocument((text) => {
      if (location.protocol !== 'about:') sessionStorage.setItem('rstream.session', text);
    }, kept);
    await twin.goto(`${url}/`);
    await twin.shows('mine-42');
    await twin.page.waitForSelector('.role');
    await say(first, 'still');
    await twin.shows('still-42');
    expect(await first.page.$('.role')).toBeNull();
  });

  it('draws a flood to its end', async () => {
    const tab = await visit();
    await tab.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await tab.type('seq 1 200000; printf "\\033[1;32mgreen \\033[31mred \\033[0;7minverse\\033[0m "; echo end-$((1+1))\n');
    await tab.shows('end-2');
    expect(await tab.screen()).toContain('200000');
    await tab.picture('dark');
    expect(tab.complaints).toEqual([]);
  });

  it('has the keys that a phone lacks, and fits its width', async () => {
    const tab = await visit(phone);
    await tab.type('cat\n');
    await tab.click('Control, for the next key');
    await tab.type('c');
    await say(tab, 'phone');
    await tab.shows('phone-42');
    await tab.click('Up');
    await tab.page.waitForFunction(
      () => (document.querySelector('.xterm-accessibility-tree')?.textContent.match(/echo "phone"/g)?.length ?? 0) > 1,
    );
    const widths = await tab.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0);
    await tab.picture('phone');
    await tab.click('Tools');
    await tab.picture('phone-menu');
  });

  it('waits for a relay that is gone, and goes on with the screen and the session as they were', async () => {
    const tab = await visit();
    await tab.type('KEPT=survivor; echo before-$((1+1))\n');
    await tab.shows('before-2');
    const hosted = world.children[0];
    hosted?.process.kill('SIGKILL');
    await tab.status('Reconnecting');
    await tab.page.waitForFunction(() => document.querySelector('.status .words')?.textContent.includes('in'), {});
    await tab.picture('reconnecting');
    await tab.shows('before-2');
    await world.startHosted();
    await tab.status('Online');
    await say(tab, '$KEPT');
    await tab.shows('survivor-42');
    await tab.shows('before-2');
    await tab.picture('resumed');
    expect(tab.complaints).toEqual([]);
  });
});

it('a published device still takes private dials', async () => {
  const { stdout } = await world.run('rstream', ['webtty', 'exec', '--url', 'rstrm://device', '--', 'echo', 'privately']);
  expect(stdout).toContain('privately');
});
