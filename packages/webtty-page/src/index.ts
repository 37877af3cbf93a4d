/**
 * The terminal in a browser, as files to serve: the page, one script, one style sheet. The page names the other two relative to
 * its own folder, as `_rstream/webtty/<name>`.
 *
 * @example
 * ```ts
 * import { pageFiles } from '@rstream/webtty-page';
 *
 * for (const { name, type, gzip } of pageFiles) console.log(name, type, gzip.length);
 * ```
 *
 * @module
 */
// Made by the build of this package.
import page from '../dist/page.json' with { type: 'json' };

/** One file of the page. */
export interface PageFile {
  /** `index.html`, or a name with a hash of the content: such a file never changes. */
  readonly name: string;
  readonly type: string;
  /** The content, gzip in base64. */
  readonly gzip: string;
}

export const pageFiles: readonly PageFile[] = page.files;
