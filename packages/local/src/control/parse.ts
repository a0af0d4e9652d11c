import type { z } from 'zod';
import { ApiError } from '../sandbox/api-error.js';

/** The value in its checked form; the refusal names every wrong field with the value given. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value ?? {});
  if (result.success) {
    return result.data;
  }
  const issues = result.error.issues.map((issue) => {
    const path = issue.path.join('.') || 'body';
    const given = issue.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      value,
    );
    return `${path}: ${issue.message} (given: ${JSON.stringify(given) ?? 'nothing'})`;
  });
  throw new ApiError(400, `The request is not valid. ${issues.join('; ')}`);
}
