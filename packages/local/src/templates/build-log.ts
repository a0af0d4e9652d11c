export type BuildLogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface BuildLogEntry {
  timestamp: string;
  level: BuildLogLevel;
  message: string;
  step: string;
}

/** As many as E2B gives at once. */
const pageSize = 100;

/** What a build says, line by line, in order. */
export class BuildLog {
  private readonly entries: BuildLogEntry[] = [];
  private readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  write(level: BuildLogLevel, step: string, text: string): void {
    const timestamp = new Date(this.nowMs()).toISOString();
    for (const message of text.split('\n').filter((line) => line.trim() !== '')) {
      this.entries.push({ timestamp, level, message, step });
    }
  }

  page(offset: number): BuildLogEntry[] {
    return this.entries.slice(offset, offset + pageSize);
  }

  /** The last lines of a step, which tell most often why it failed. */
  tail(step: string): BuildLogEntry[] {
    return this.entries.filter((entry) => entry.step === step).slice(-10);
  }
}
