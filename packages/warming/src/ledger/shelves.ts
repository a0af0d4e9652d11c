/** Named sets that keep their order of arrival; a set that is empty is not kept. */
export class Shelves {
  readonly #sets = new Map<string, Set<string>>();

  put(shelf: string | undefined, id: string): void {
    if (shelf === undefined) return;
    const set = this.#sets.get(shelf);
    if (set) set.add(id);
    else this.#sets.set(shelf, new Set([id]));
  }

  drop(shelf: string | undefined, id: string): void {
    if (shelf === undefined) return;
    const set = this.#sets.get(shelf);
    if (set?.delete(id) && set.size === 0) this.#sets.delete(shelf);
  }

  get(shelf: string): Iterable<string> {
    return this.#sets.get(shelf) ?? [];
  }

  size(shelf: string): number {
    return this.#sets.get(shelf)?.size ?? 0;
  }
}
