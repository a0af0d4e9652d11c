import picomatch from 'picomatch';

const plain = /^[\w.-]+$/;

/**
 * Glob patterns as one question about a path, asked once for every file of a tree: nearly all paths are answered by their
 * last name alone. A pattern without a slash matches that name at any depth.
 */
export class PathMatcher {
  /** Names that match wherever they are. */
  readonly #names = new Set<string>();
  /** Expressions over whole paths, by the name they end with. */
  readonly #endings = new Map<string, RegExp[]>();
  readonly #nameExpression: RegExp | undefined;
  readonly #pathExpression: RegExp | undefined;

  constructor(patterns: readonly string[]) {
    const nameSources: string[] = [];
    const pathSources: string[] = [];
    for (const pattern of patterns) {
      const ending = pattern.slice(pattern.lastIndexOf('/') + 1);
      const anyDepth = !pattern.includes('/');
      if (anyDepth && plain.test(pattern)) this.#names.add(pattern);
      else if (anyDepth) nameSources.push(sourceOf(pattern));
      else if (plain.test(ending) && !/[{}()[\]\\]/.test(pattern)) {
        this.#endings.set(ending, [...(this.#endings.get(ending) ?? []), new RegExp(sourceOf(pattern))]);
      } else pathSources.push(sourceOf(pattern));
    }
    this.#nameExpression = oneOf(nameSources);
    this.#pathExpression = oneOf(pathSources);
  }

  test(path: string): boolean {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return (
      this.#names.has(name) ||
      this.#nameExpression?.test(name) === true ||
      this.#endings.get(name)?.some((expression) => expression.test(path)) === true ||
      this.#pathExpression?.test(path) === true
    );
  }
}

function sourceOf(pattern: string): string {
  return picomatch.makeRe(pattern, { dot: true, nonegate: true }).source;
}

function oneOf(sources: readonly string[]): RegExp | undefined {
  return sources.length === 0 ? undefined : new RegExp(sources.map((source) => `(?:${source})`).join('|'));
}
