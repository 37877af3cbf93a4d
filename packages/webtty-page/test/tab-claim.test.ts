import { expect, it } from 'vitest';
import { claimSession } from '../src/page/tab-claim.ts';

it('gives a session to the first tab that claims it, and another session to another', async () => {
  expect(await claimSession('ses_1')).toBe(true);
  expect(await claimSession('ses_1')).toBe(false);
  expect(await claimSession('ses_2')).toBe(true);
});
