import { describe, expect, it } from 'vitest';
import { shareLink, takeAddress, type PageAddress } from '../src/page/address.ts';

interface Taken {
  readonly address: PageAddress;
  readonly shown: string[];
  readonly kept: Map<string, string>;
}

function take(url: string, kept = new Map<string, string>()): Taken {
  const { origin, pathname, hash, search } = new URL(url);
  const shown: string[] = [];
  const address = takeAddress({
    location: { origin, pathname, hash, search },
    history: { replaceState: (_state, _title, path) => void shown.push(String(path)) },
    storage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value) },
  });
  return { address, shown, kept };
}

describe('the address of the page', () => {
  it('names the socket of the same host, and of a share that of the share', () => {
    expect(take('https://device.example/').address).toEqual({ socketUrl: 'wss://device.example/', share: undefined, attach: undefined });
    expect(take('http://device.localhost:8080/share/shr_1/#ses_1.secret').address.socketUrl).toBe(
      'ws://device.localhost:8080/share/shr_1/socket',
    );
  });

  it('loses its query and its fragment, and nothing is put into the history when it has none', () => {
    expect(take('https://device.example/?rstream.token=abc').shown).toEqual(['/']);
    expect(take('https://device.example/share/shr_1/?x=1#ses_1.secret').shown).toEqual(['/share/shr_1/']);
    expect(take('https://device.example/').shown).toEqual([]);
  });

  it('keeps the secret of a share for a reload, for this share only', () => {
    const { address, kept } = take('https://device.example/share/shr_1/#ses_1.sec-ret_');
    expect(address.share).toEqual({ key: { sessionId: 'ses_1', secret: 'sec-ret_' } });
    expect(take('https://device.example/share/shr_1/', kept).address.share).toEqual(address.share);
    expect(take('https://device.example/share/shr_2/', kept).address.share).toEqual({ key: undefined });
  });

  it('of a share whose link was cut short is one of a share still', () => {
    for (const hash of ['', '#', '#ses_1', '#ses_1.', '#.secret', '#a.b.c']) {
      expect(take(`https://device.example/share/shr_1/${hash}`).address.share).toEqual({ key: undefined });
    }
  });

  it('may name a session to attach to, but not on a share', () => {
    expect(take('https://device.example/#attach=ses_1').address.attach).toBe('ses_1');
    expect(take('https://device.example/share/shr_1/#attach=ses_1').address.attach).toBeUndefined();
  });

  it('is read from the link that is made for a share', () => {
    const key = { sessionId: 'ses_1', secret: 'secret' };
    expect(take(shareLink('https://device.example', 'shr_9', key)).address.share).toEqual({ key });
  });
});
