import { z } from 'zod';

const scopeShape = {
  userId: z.string().optional(),
  agentId: z.string().optional(),
  appId: z.string().optional(),
  runId: z.string().optional(),
};

const item = z.object({
  id: z.string(),
  memory: z.string(),
  ...scopeShape,
  metadata: z.record(z.string(), z.unknown()).optional(),
  categories: z.array(z.string()).optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
  expirationDate: z.string().optional(),
});

const change = z.object({
  event: z.enum(['ADD', 'UPDATE', 'DELETE']),
  oldMemory: z.string().optional(),
  newMemory: z.string().optional(),
  at: z.string(),
});

const record = z.discriminatedUnion('op', [
  z.object({ op: z.literal('add'), item }),
  z.object({
    op: z.literal('update'),
    id: z.string(),
    at: z.string(),
    memory: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    expirationDate: z.string().optional(),
  }),
  z.object({ op: z.literal('delete'), id: z.string(), at: z.string() }),
  z.object({ op: z.literal('forget'), scope: z.object(scopeShape) }),
  z.object({ op: z.literal('row'), item, history: z.array(change) }),
]);

/** A memory as the embedded store keeps it. */
export type StoredItem = z.infer<typeof item>;
/** A change of one memory. */
export type StoredChange = z.infer<typeof change>;
/** One line of the log. */
export type LogRecord = z.infer<typeof record>;

/** A line of the log, or undefined when it is damaged: a crash can tear the last line, and only that one. */
export function parseRecord(line: string): LogRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = record.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
