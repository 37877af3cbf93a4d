import { limits } from '@rstream/protocol/limits';
import type { FileEntry } from '../client.ts';
import { formatBytes } from '../progress.ts';
import { html, type Html } from './html.ts';

/** Paths of a share; everything that is not a file of the person is below one of them. */
export const sharePaths = {
  browse: '/browse',
  style: '/_rstream/files/v1/style.css',
  info: '/_rstream/files/v1/info',
  archive: '/_rstream/files/v1/archive',
} as const;

const encoded = (segments: readonly string[]): string => segments.map((name) => `/${encodeURIComponent(name)}`).join('');

/** The address of an entry's page. */
export const browseAddress = (segments: readonly string[], kind: FileEntry['kind']): string =>
  `${sharePaths.browse}${encoded(segments)}${kind === 'directory' ? '/' : ''}`;
const fileAddress = (segments: readonly string[]): string => `/fs${encoded(segments)}`;
const archiveAddress = (segments: readonly string[]): string =>
  `${sharePaths.archive}?${new URLSearchParams({ path: `/${segments.join('/')}` }).toString()}`;

interface Frame {
  readonly title: string;
  readonly crumbs: Html;
  readonly search?: Html;
  readonly body: Html;
}

function document({ title, crumbs, search, body }: Frame): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        <link rel="stylesheet" href="${sharePaths.style}" />
      </head>
      <body>
        <header>
          <h1>${crumbs}</h1>
          ${search}
        </header>
        <main>${body}</main>
      </body>
    </html> `.text;
}

/** The way to an entry, each folder of it a link. */
function crumbsOf(share: string, segments: readonly string[]): Html {
  const links = segments.map((name, at) =>
    at === segments.length - 1 ? html` / ${name}` : html` / <a href="${browseAddress(segments.slice(0, at + 1), 'directory')}">${name}</a>`,
  );
  return html`${segments.length === 0 ? html`${share}` : html`<a href="${sharePaths.browse}/">${share}</a>`}${links}`;
}

const searchForm = (segments: readonly string[], query: string): Html =>
  html`<form method="get" action="${browseAddress(segments, 'directory')}">
    <input
      type="search"
      name="q"
      value="${query}"
      maxlength="200"
      placeholder="Part of a name"
      aria-label="Search below this folder"
    /><button>Search</button>
  </form>`;

function row(entry: FileEntry, label: string): Html {
  const { segments, kind, size, modified } = entry;
  const time = modified === undefined ? undefined : new Date(modified).toISOString().slice(0, 16).replace('T', ' ');
  const get =
    kind === 'directory'
      ? html`<a href="${archiveAddress(segments)}">ZIP</a>`
      : html`<a href="${fileAddress(segments)}" download>Download</a>`;
  return html`<tr>
    <td class="${kind === 'directory' ? 'folder' : 'file'}">
      <a href="${browseAddress(segments, kind)}">${label}${kind === 'directory' ? '/' : ''}</a>
    </td>
    <td class="size">${size === undefined ? '' : formatBytes(size)}</td>
    <td class="time">${time}</td>
    <td class="get">${get}</td>
  </tr> `;
}

const table = (rows: readonly Html[]): Html =>
  html`<table>
    <thead>
      <tr>
        <th>Name</th>
        <th class="size">Size</th>
        <th class="time">Modified (UTC)</th>
        <th></th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;

export interface FolderPage {
  readonly share: string;
  readonly segments: readonly string[];
  /** All entries of the folder, in the order in which they are shown. */
  readonly entries: readonly FileEntry[];
  /** From 1. */
  readonly page: number;
}

/** A folder, a hundred entries at a time. */
export function folderPage({ share, segments, entries, page }: FolderPage): string {
  const perPage = limits.files.shareRows.default;
  const pages = Math.max(1, Math.ceil(entries.length / perPage));
  const at = Math.min(page, pages);
  const rows = entries.slice((at - 1) * perPage, at * perPage).map((entry) => row(entry, entry.segments.at(-1) ?? ''));
  const link = (to: number, label: string): Html | undefined =>
    to < 1 || to > pages ? undefined : html`<a href="?page=${to}" rel="${label.toLowerCase()}">${label}</a>`;
  const paging = pages === 1 ? undefined : html`${link(at - 1, 'Prev')} <span>Page ${at} of ${pages}</span> ${link(at + 1, 'Next')}`;
  return document({
    title: segments.at(-1) ?? share,
    crumbs: crumbsOf(share, segments),
    search: searchForm(segments, ''),
    body: html`<nav>
        <span class="note">${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}</span
        ><a href="${archiveAddress(segments)}">Download all as ZIP</a>${paging}
      </nav>
      ${entries.length === 0 ? html`<p class="note">Nothing is in this folder.</p>` : table(rows)}`,
  });
}

export interface ResultsPage {
  readonly share: string;
  readonly segments: readonly string[];
  readonly query: string;
  readonly matches: readonly FileEntry[];
  readonly isComplete: boolean;
}

/** What a search found below a folder. */
export function resultsPage({ share, segments, query, matches, isComplete }: ResultsPage): string {
  const rows = matches.map((entry) => row(entry, entry.segments.slice(segments.length).join('/')));
  const more = isComplete ? undefined : html` <span class="note">There may be more: this is what was found before a limit.</span>`;
  return document({
    title: `${query} in ${segments.at(-1) ?? share}`,
    crumbs: crumbsOf(share, segments),
    search: searchForm(segments, query),
    body: html`<nav>
        <a href="${browseAddress(segments, 'directory')}">Back to the folder</a><span class="note">${matches.length} found</span>${more}
      </nav>
      ${matches.length === 0 ? undefined : table(rows)}`,
  });
}

/** What a file looks like: its text, or how a browser shows it itself. */
export type Preview =
  { readonly kind: 'text'; readonly text: string; readonly isShortened: boolean } | { readonly kind: 'image' | 'video' | 'audio' | 'none' };

/** A file with its preview. */
export function filePage({ share, entry, preview }: { share: string; entry: FileEntry; preview: Preview }): string {
  const { segments, size = 0, modified } = entry;
  const address = fileAddress(segments);
  const name = segments.at(-1) ?? '';
  const shown = {
    text: () =>
      preview.kind === 'text'
        ? html`<pre>${preview.text}</pre>
            ${preview.isShortened ? html`<p class="note">This is its beginning.</p>` : undefined}`
        : html``,
    image: () => html`<img src="${address}" alt="${name}" />`,
    video: () => html`<video src="${address}" controls></video>`,
    audio: () => html`<audio src="${address}" controls></audio>`,
    none: () => html`<p class="note">There is no preview of this file.</p>`,
  }[preview.kind]();
  const time = modified === undefined ? '' : ` · ${new Date(modified).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return document({
    title: name,
    crumbs: crumbsOf(share, segments),
    body: html`<nav><a href="${address}" download>Download</a><span class="note">${formatBytes(size)}${time}</span></nav>
      ${shown}`,
  });
}

/** A page that says why there is nothing to see. */
export function messagePage(share: string, message: string): string {
  return document({ title: message, crumbs: html`<a href="${sharePaths.browse}/">${share}</a>`, body: html`<p>${message}</p>` });
}
