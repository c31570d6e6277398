import { parseDocument } from 'yaml';

/** Milliseconds, for disks on which 1 of 100 synced writes takes more than 10 ms: an election would end before a slow leader has written its vote. */
export const slowEtcdTimes = { heartbeatInterval: 300, electionTimeout: 3000 } as const;

/** A valid cluster file's text with these times and everything else, comments too, as it was. */
export function withSlowEtcdTimes(text: string): string {
  const document = parseDocument(text);
  for (const [name, milliseconds] of Object.entries(slowEtcdTimes)) document.setIn(['spec', 'etcd', name], milliseconds);
  return document.toString({ lineWidth: 0, flowCollectionPadding: text.includes('{ ') });
}
