/** What `/readyz?verbose` says. */
export interface Health {
  readonly ready: boolean;
  /** Names of the checks that fail, for example `etcd`. */
  readonly failed: readonly string[];
  /** The answer as it came. */
  readonly text: string;
}

/** Each check is a line: "[+]ping ok", "[-]etcd failed: reason withheld". */
export function readHealth({ status, text }: { readonly status: number; readonly text: string }): Health {
  return { ready: status === 200, failed: [...text.matchAll(/^\[-\](\S+) /gm)].map(([, name]) => name!), text };
}
