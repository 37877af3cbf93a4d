/** The product as a test sees it: real processes in a world of their own. */
export { Child } from './child.ts';
export { startForward, type Forward } from './forward.ts';
export { fetchLocal, type Answer, type FetchOptions } from './http.ts';
export { ProcessWorld, freePort, type Outcome, type TokenRequest } from './process-world.ts';
