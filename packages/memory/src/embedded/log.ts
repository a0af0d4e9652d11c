/** What a log has said since it was last asked. */
export interface LogNews {
  /** The log was rewritten by someone: forget what was known before reading {@link lines}. */
  reset: boolean;
  lines: string[];
}

/**
 * A file of lines that several processes may share.
 *
 * - `read` returns what was added since the last call, whole lines only.
 * - `exclusively` keeps other writers of all processes out while `work` runs; calls queue up.
 * - `append` and `rewrite` are called inside `exclusively` only. When they resolve, the lines survive a power cut.
 *   After a crash in the middle, a reader sees all earlier lines and none or some of the new ones, never a changed one.
 */
export interface RecordLog {
  read(): Promise<LogNews>;
  exclusively<Value>(work: () => Promise<Value>): Promise<Value>;
  append(lines: readonly string[]): Promise<void>;
  rewrite(lines: Iterable<string>): Promise<void>;
}
