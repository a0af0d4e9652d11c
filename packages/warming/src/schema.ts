/**
 * The part of zod that the packages an application loads at its start are checked with. It is built in, by name, because
 * the whole of zod costs an application more than everything else here together
 * (docs/decisions/0120-built-in-libraries.md).
 */
export {
  array,
  boolean,
  custom,
  enum,
  instanceof,
  number,
  object,
  type output,
  record,
  strictObject,
  string,
  union,
  unknown,
  url,
  type ZodError,
} from 'zod';

/** A schema that is made by the first check: most of an import's time would otherwise go into schemas. */
export function madeOnce<Schema>(make: () => Schema): () => Schema {
  let made: Schema | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
