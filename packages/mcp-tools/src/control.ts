/**
 * Tools of the hosted process: account, projects, inventory. Holds no device code, so a hosted bundle can import it safely.
 *
 * @module
 */
import type { Tool } from './tool/define.ts';

/** Every tool that the hosted process offers. None exists yet; the hosted server starts with an empty list. */
export const controlTools: readonly Tool<never>[] = [];
