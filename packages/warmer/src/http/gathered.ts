/** A stream whose writes can be held back for a moment. */
export interface Corkable {
  cork(): void;
  uncork(): void;
}

/** Nobody sees a progress bar move two milliseconds later. */
const holdMs = 2;

/**
 * Call it before each write: what is written within two milliseconds leaves together. A burst of events for a thousand
 * followers is then a thousand system calls, not several thousand.
 */
export function gathered(stream: Corkable): () => void {
  let holding = false;
  return () => {
    if (holding) return;
    holding = true;
    stream.cork();
    setTimeout(() => {
      holding = false;
      stream.uncork();
    }, holdMs);
  };
}
