import type { LimitTable } from './limit.ts';

/** The control-plane and engine REST API, and the hosted process that serves it. */
export const controlLimits = {
  requestBytes: { default: 1_048_576, unit: 'bytes', about: 'Body of an API request.' },
  requestTimeout: { default: 10_000, unit: 'ms', about: 'One API call of the client.' },
  responseBytes: { default: 16_777_216, unit: 'bytes', about: 'Body of an API answer that the client reads.' },
  eventBytes: { default: 16_777_216, unit: 'bytes', about: 'One event of a watch stream that the client reads.' },
  watchSilence: { default: 45_000, unit: 'ms', about: 'Silence after which the client takes a watch stream for dead.' },
  bodyTimeout: { default: 15_000, unit: 'ms', about: 'Receiving a whole API request.' },
  paramsBytes: { default: 8_192, unit: 'bytes', about: 'The `params` query of a list or watch, before it is decoded.' },
  failedAuthBurst: { default: 40, unit: 'count', about: 'Failed authentications that one address may make at once.' },
  failedAuthRate: { default: 4, unit: 'per second', about: 'Failed authentications that one address may keep making.' },
  failedAuthAddresses: { default: 4_096, unit: 'count', about: 'Addresses whose failed authentications are remembered.' },
  watchers: { default: 1_024, unit: 'count', about: 'Event streams that are open at once.' },
  watchBufferBytes: { default: 4_194_304, unit: 'bytes', about: 'Events that wait for one slow reader before it is cut off.' },
  watchHeartbeat: { default: 15_000, unit: 'ms', about: 'Silence after which an event stream sends a heartbeat.' },
  changePoll: { default: 500, unit: 'ms', about: 'How often a running process looks for revocations made by another one.' },
  drainTimeout: { default: 10_000, unit: 'ms', about: 'Running streams may finish within this time when the process stops.' },
  tlsReloadPoll: { default: 5_000, unit: 'ms', about: 'How often certificate files are compared where file events are missing.' },
  resourcesFileBytes: { default: 65_536, unit: 'bytes', about: 'The file that describes the resources of a token.' },
  configFileBytes: { default: 1_048_576, unit: 'bytes', about: 'The configuration file of the hosted process.' },
} as const satisfies LimitTable;
