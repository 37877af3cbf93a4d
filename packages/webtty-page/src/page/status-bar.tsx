/** @jsxImportSource preact */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PageSession, Phase, SessionState } from './session.ts';

interface StatusProps {
  readonly state: SessionState;
  readonly session: PageSession;
  readonly isShare: boolean;
  readonly children: ComponentChildren;
}

/** The line below the terminal: where the session stands, and the tools. */
export function StatusBar({ state, session, isShare, children }: StatusProps): JSX.Element {
  const { phase, role } = state;
  const [latency, setLatency] = useState<string | undefined>();
  const seconds = useSecondsUntil(phase.kind === 'lost' ? phase.retryAt : undefined);
  const isLive = phase.kind === 'online';
  useEffect(() => setLatency(undefined), [phase.kind]);
  const measure = (): void => {
    setLatency('…');
    void session.latency().then((ms) => setLatency(ms === undefined ? undefined : `${Math.max(1, Math.round(ms))} ms`));
  };
  return (
    <footer class="status">
      <span class={`dot ${phase.kind}`} aria-hidden="true" />
      <span class="words" role="status" aria-live="polite">
        {wordsFor(phase, seconds)}
      </span>
      {role !== 'controller' && <span class="role">read only</span>}
      {role === 'viewer' && isLive && <ControlButton state={state} session={session} />}
      <span class="space" />
      {isLive && (
        <button type="button" class="quiet" title="Measure the way to the device and back" onClick={measure}>
          {latency ?? 'Latency'}
        </button>
      )}
      {phase.kind === 'lost' && (
        <button type="button" class="quiet" onClick={() => session.retryNow()}>
          Retry now
        </button>
      )}
      {isShare && <span class="unseen">This is a read-only view of a session.</span>}
      {children}
    </footer>
  );
}

function ControlButton({ state, session }: Pick<StatusProps, 'state' | 'session'>): JSX.Element {
  if (state.asked === 'waiting') return <span class="quiet">Asked for control …</span>;
  return (
    <button type="button" class="quiet" onClick={() => session.askForControl()}>
      {state.asked === 'refused' ? 'Refused. Ask again' : 'Ask for control'}
    </button>
  );
}

function wordsFor(phase: Phase, seconds: number): string {
  switch (phase.kind) {
    case 'connecting':
      return 'Connecting …';
    case 'online':
      return 'Online';
    case 'lost':
      return seconds > 0 ? `Reconnecting in ${seconds} s` : 'Reconnecting …';
    case 'ended':
      return 'Ended';
    case 'failed':
      return 'Not connected';
  }
  return phase satisfies never;
}

function useSecondsUntil(time: number | undefined): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (time === undefined) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [time]);
  return time === undefined ? 0 : Math.max(0, Math.ceil((time - now) / 1000));
}
