import { z } from 'zod';

const name = z.string().min(1).max(256);
const tags = z.array(z.string().regex(/^[\w.-]+$/, 'letters, digits, "_", "." and "-" only')).min(1);

export const newBuildBody = z.object({ name: name.optional(), alias: name.optional(), tags: tags.optional() });

const step = z.object({
  type: z.string(),
  args: z.array(z.string()).default([]),
  filesHash: z.string().nullish(),
  force: z.boolean().nullish(),
});

export const startBuildBody = z.object({
  fromImage: z.string().nullish(),
  fromTemplate: z.string().nullish(),
  steps: z.array(step).default([]),
  startCmd: z.string().nullish(),
  readyCmd: z.string().nullish(),
  force: z.boolean().nullish(),
});

export const statusQuery = z.object({ logsOffset: z.coerce.number().int().min(0).default(0) });
export const assignTagsBody = z.object({ target: name, tags });
export const removeTagsBody = z.object({ name, tags });

export type BuildStep = z.output<typeof step>;
export type BuildOrder = z.output<typeof startBuildBody>;
