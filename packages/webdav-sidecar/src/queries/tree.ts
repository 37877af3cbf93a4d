import { limits } from '@rstream/protocol';
import type { FileTreeRow } from '@rstream/protocol/files';
import { numberIn } from './parameters.ts';
import { Rows } from './outlet.ts';
import type { Query } from './question.ts';
import { endRow, entryFields, TreeWalk } from './walk.ts';

/** `?rstream=tree`: a folder and all below it, a row for each. */
export async function tree(query: Query): Promise<void> {
  const { exchange, parameters } = query;
  const walk = new TreeWalk(query, { depth: numberIn(parameters, 'depth'), time: limits.webdav.scanTime.default });
  await exchange.shared.slots.with('scans', async () => {
    const rows = new Rows(exchange);
    for await (const walked of walk.all()) {
      const row: FileTreeRow = { type: 'entry', ...entryFields(walked) };
      if (rows.add(row)) await rows.flush();
    }
    await rows.end(endRow(walk));
  });
}
