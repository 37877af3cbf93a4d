import * as z from 'zod';

/** How tools name a job: its device and its id in one word. */
export const jobHandle = z
  .string()
  .max(1024)
  .regex(/^[^#\s]+#[\w-]+$/, 'must be a handle as job_start and job_list give it')
  .describe('Handle of the job: rstrm://name#id.');
