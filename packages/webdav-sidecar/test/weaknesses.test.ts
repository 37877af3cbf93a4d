import { describe, expect, it } from 'vitest';
import { fileSystemTypeOf, weaknessesOf } from '../src/weaknesses.ts';
import { World } from './world.ts';

const EXT4 = 0xef53;
const codes = (...given: Parameters<typeof weaknessesOf>): string[] => weaknessesOf(...given).map(({ code }) => code);

describe('what is weaker than promised', () => {
  it.each([
    ['descriptors', EXT4, []],
    ['checked', EXT4, ['checked-paths']],
    ['descriptors', 0x6969, ['network-filesystem']],
    ['descriptors', 0xff534d42, ['network-filesystem']],
    ['checked', 0x65735546, ['checked-paths', 'network-filesystem']],
    ['descriptors', undefined, ['unknown-filesystem']],
  ] as const)('%s on a file system of type %s: %j', (containment, type, expected) => {
    expect(codes(containment, type)).toEqual(expected);
  });

  it('is told by the system', () => {
    expect(fileSystemTypeOf('/')).toBeGreaterThan(0);
    expect(fileSystemTypeOf('/absent/nowhere')).toBeUndefined();
  });

  it.skipIf(process.platform !== 'linux')('is nothing on a local disk of Linux, where the strict containment starts', async () => {
    const world = await World.start({ containment: 'strict' });
    expect(world.sidecar.weaknesses).toEqual([]);
    await world.stop();
  });
});
