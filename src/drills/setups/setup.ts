import type { Renderer } from '../../render/design.ts';

/** Another way to configure the same programs: a table of renderers that is given to `apply`, with the version of the facts it was taken from. */
export interface Setup {
  /** Short and fixed: it names the set-up in commands, runs and tables. */
  readonly id: string;
  readonly title: string;
  /** Where its values are published, and what here is not as there. */
  readonly source: string;
  readonly renderers: readonly Renderer[];
  /** Where its clients reach the API; the cluster file's port unless given. */
  readonly port?: number;
}
