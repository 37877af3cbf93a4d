import * as z from 'zod';
import { RstreamError } from '@rstream/protocol';
import { controlRoute, type Route } from './route.ts';

const Status = z.object({ status: z.literal('ok') });

const health = controlRoute({
  method: 'GET',
  path: '/healthz',
  operationId: 'health',
  summary: 'The process answers.',
  access: { kind: 'public' },
  response: Status,
  run: () => ({ status: 'ok' }),
});

const readiness = controlRoute({
  method: 'GET',
  path: '/readyz',
  operationId: 'readiness',
  summary: 'The process takes new work: its store answers and it is not draining.',
  access: { kind: 'public' },
  response: Status,
  async run({ services }) {
    if (!(await services.isReady())) throw new RstreamError('SERVICE_UNAVAILABLE');
    return { status: 'ok' };
  },
});

/** Served under every host name: probes use addresses. */
export const healthRoutes: readonly Route<never>[] = [health, readiness];
