import { isMap, isSeq, parseDocument, type Document, type YAMLSeq } from 'yaml';
import { KubekeepError } from '../../lib/errors.ts';

/** A context of the past in somebody's own kubeconfig; its cluster and its user have the same name. */
export interface PastContext {
  readonly name: string;
  /** A kubeconfig with nothing else. */
  readonly kubeconfig: string;
  /** Of the kubekeep that serves it: where that is gone, so is the context. */
  readonly process: number;
}

const lists = ['clusters', 'users', 'contexts'] as const;
const mark = 'kubekeep.dev/past';

/** A kubeconfig with a context more, and everything else as it was, comments too. Throws `usage` where it has one of that name, or is none. */
export function withContext(text: string, { name, kubeconfig, process }: PastContext): string {
  const document = parsed(text);
  const added = parseDocument(kubeconfig);
  added.addIn(['contexts', 0, 'context'], added.createPair('extensions', [{ name: mark, extension: { process } }]));
  refuseTaken(document, name);
  for (const list of lists) {
    const there = listIn(document, list);
    there.add(added.getIn([list, 0], true));
  }
  return document.toString({ lineWidth: 0 });
}

/** Throws `usage` where `withContext` would. */
export function refuseUnfit(text: string, name: string): void {
  refuseTaken(parsed(text), name);
}

/** The same without those contexts of the past whose process is one of those; undefined where it has none of them. Throws `usage` where it is no kubeconfig. */
export function withoutContexts(text: string, gone: (process: number) => boolean): string | undefined {
  const document = parsed(text);
  const contexts = listIn(document, 'contexts');
  const names = new Set(contexts.items.flatMap((_, index) => {
    const extensions = contexts.getIn([index, 'context', 'extensions']);
    const process = isSeq(extensions) ? extensions.items.map((__, at) => (extensions.getIn([at, 'name']) === mark ? extensions.getIn([at, 'extension', 'process']) : undefined)).find((one) => one !== undefined) : undefined;
    return typeof process === 'number' && gone(process) ? [contexts.getIn([index, 'name'])] : [];
  }));
  if (names.size === 0) return undefined;
  for (const list of lists) {
    const there = listIn(document, list);
    there.items = there.items.filter((_, index) => !names.has(there.getIn([index, 'name'])));
  }
  if (names.has(document.get('current-context'))) document.set('current-context', '');
  return document.toString({ lineWidth: 0 });
}

function refuseTaken(document: Document, name: string): void {
  for (const list of lists) {
    const there = listIn(document, list);
    if (there.items.some((_, index) => there.getIn([index, 'name']) === name)) throw new KubekeepError('usage', `it has "${name}" among its ${list} already`, { hint: 'Choose another name with --context.' });
  }
}

function parsed(text: string): Document {
  const document = parseDocument(text.trim() === '' ? 'apiVersion: v1\nkind: Config\n' : text);
  if (document.errors.length > 0 || !isMap(document.contents) || document.get('kind') !== 'Config') throw new KubekeepError('usage', 'it is no kubeconfig: a YAML file with kind: Config', { hint: 'Without --kubeconfig the context gets a file of its own.' });
  return document;
}

function listIn(document: Document, list: (typeof lists)[number]): YAMLSeq {
  if (!isSeq(document.get(list))) document.set(list, document.createNode([], { flow: false }));
  return document.get(list) as YAMLSeq;
}
