/** Time for another tab to say that it has the session, ms. A tab that does not answer by then is gone, or fast asleep. */
const ANSWER_TIME = 150;

/**
 * Claims a session for this tab. A duplicated tab has a copy of everything that the first one remembers; with the secret of the
 * session, the two would take it from each other for ever.
 *
 * @returns false when another tab of this browser has it
 */
export function claimSession(id: string): Promise<boolean> {
  const channel = new BroadcastChannel(`rstream.session:${id}`);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      channel.addEventListener('message', ({ data }) => data === 'whose' && channel.postMessage('mine'));
      resolve(true);
    }, ANSWER_TIME);
    channel.addEventListener('message', ({ data }) => {
      if (data !== 'mine') return;
      clearTimeout(timer);
      channel.close();
      resolve(false);
    });
    channel.postMessage('whose');
  });
}
