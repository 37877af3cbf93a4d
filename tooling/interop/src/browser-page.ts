import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page, Viewport } from 'puppeteer-core';

/** A terminal page in a real browser, read through what it offers to screen readers. */
export class BrowserPage {
  readonly page: Page;
  /** What the browser refused because of the page's policy, and what went wrong in the page. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
  }

  /** A new tab; the screen reader mode is on, so that the screen can be read. */
  static async open(context: BrowserContext, viewport: Viewport): Promise<BrowserPage> {
    const opened = new BrowserPage(await context.newPage());
    const { page, complaints } = opened;
    await page.setViewport(viewport);
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (/content security policy|violates/i.test(message.text())) complaints.push(message.text());
    });
    await page.evaluateOnNewDocument(() => {
      // A blank page has no storage.
      if (location.protocol === 'about:') return;
      if (localStorage.getItem('rstream.preferences') === null) localStorage.setItem('rstream.preferences', '{"screenReader":true}');
    });
    return opened;
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: 'load' });
  }

  /** Waits for a state of the connection, as the status bar says it. */
  async status(words: string): Promise<void> {
    await this.#until((wanted) => document.querySelector('.status .words')?.textContent.includes(wanted) === true, words);
  }

  /** Waits until the screen shows the text. */
  async shows(text: string): Promise<void> {
    const seen = (wanted: string): boolean => {
      const rows = [...document.querySelectorAll('.xterm-accessibility-tree > div')].map((row) => row.textContent);
      return rows.join('\n').includes(wanted);
    };
    await this.#until(seen, text);
  }

  async screen(): Promise<string> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('.xterm-accessibility-tree > div')].map((row) => row.textContent).join('\n'),
    );
  }

  /** Waits for a notice, and returns all of it. */
  async notice(words: string): Promise<string> {
    await this.#until((wanted) => document.querySelector('.notice')?.textContent.includes(wanted) === true, words);
    return this.page.$eval('.notice', (notice) => notice.textContent);
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  /** Enters text as an input method does: composed first, then taken. */
  async compose(text: string): Promise<void> {
    const client = await this.page.createCDPSession();
    await client.send('Input.imeSetComposition', { text: text.slice(0, 1), selectionStart: 1, selectionEnd: 1 });
    await client.send('Input.insertText', { text });
    await client.detach();
  }

  /** Clicks into the terminal, where the text is. */
  async clickText(text: string): Promise<void> {
    const place = await this.page.evaluate((wanted) => {
      const rows = [...document.querySelectorAll('.xterm-accessibility-tree > div')].map((row) => row.textContent);
      const row = rows.findLastIndex((content) => content.includes(wanted));
      const box = document.querySelector('.xterm-screen')?.getBoundingClientRect();
      const height = (box?.height ?? 0) / rows.length;
      // A character is a little more than half as wide as it is high: the middle of the text is hit well enough.
      const column = (rows[row]?.indexOf(wanted) ?? 0) + wanted.length / 2;
      return { x: (box?.x ?? 0) + column * height * 0.5, y: (box?.y ?? 0) + (row + 0.5) * height };
    }, text);
    await this.page.mouse.move(place.x - 3, place.y);
    await this.page.mouse.move(place.x, place.y);
    await this.page.waitForFunction(() => document.querySelector('.xterm-cursor-pointer') !== null);
    await this.page.mouse.click(place.x, place.y);
  }

  /** Clicks what is called so, by its label or its text. */
  async click(name: string): Promise<void> {
    await this.page.locator(`::-p-aria([name="${name}"])`).click();
  }

  /** Keeps a picture where `RSTREAM_SCREENSHOTS` says, for people to look at. */
  async picture(name: string): Promise<void> {
    const folder = process.env['RSTREAM_SCREENSHOTS'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  async #until(condition: (wanted: string) => boolean, wanted: string): Promise<void> {
    try {
      await this.page.waitForFunction(condition, { timeout: 20_000, polling: 100 }, wanted);
    } catch (cause) {
      const text = await this.page.evaluate(() => document.body.innerText);
      throw new Error(`"${wanted}" did not come; the page says:\n${text}\n${await this.screen()}\n${this.complaints.join('\n')}`, {
        cause,
      });
    }
  }
}
