/**
 * What keeps a repository's objects: named blobs, written once (docs/design/repository-format.md, section 3). Every implementation passes
 * `store.conformance.ts`. Names are lower-case letters, digits, `.`, `-` and `/` between parts. Every verb rejects with `store-failed` where the store
 * cannot be reached or refuses, with the store's own words.
 */
export interface Store {
  /** The place as the user writes it, for sentences. */
  readonly place: string;

  /** The object is there whole and durable when this resolves. `exists`: the name is taken and nothing was changed. */
  create(name: string, bytes: Uint8Array): Promise<'created' | 'exists'>;

  /** Whole, durable; for the one object that is a hint and no more. */
  overwrite(name: string, bytes: Uint8Array): Promise<void>;

  /** All bytes of the object; undefined where there is none of that name. */
  read(name: string): Promise<Uint8Array | undefined>;

  /** Names that start with `prefix`, and come after `after`, in order. May be behind what was written: correctness must not depend on it. */
  list(prefix: string, after?: string): Promise<readonly string[]>;

  /** Gone when this resolves, also where it was not there. */
  remove(name: string): Promise<void>;
}
