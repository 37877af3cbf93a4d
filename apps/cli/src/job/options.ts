import { text } from '../option.ts';

/** How the verbs of a job name it. */
export const jobArguments = [{ name: '<job>', about: 'rstrm://NAME#ID as printed by start, or ID with --url' }] as const;
export const jobUrl = text('--url <url>', 'the device, when the job is given by its id alone');
