import type { Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import { parseLabelSelector } from '../../objects/label-selector.ts';
import { nameOf } from '../../objects/stored-objects.ts';
import type { ObjectState } from '../../operations/objects/object-state.ts';
import { findResources, keyOf, type FindKeys } from '../../operations/objects/read-objects.ts';
import type { Selection } from '../../operations/objects/restore/selection.ts';
import { selectObjects } from '../../operations/objects/restore/select-objects.ts';
import { calledObject, namespaceOption, objectWord, whenItWas, type OpenPoint } from './_objects.ts';

export interface SelectionFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
}

export function withSelectionOptions(command: Command): Command {
  return command
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <labels>', 'only those with these labels: app=web, app!=web, "app in (web,shop)"');
}

/** Where it is selected from. */
interface Source {
  readonly state: ObjectState;
  readonly keys: FindKeys;
  readonly repository: OpenPoint | undefined;
}

/** What KIND/NAME, ns/NAME or KIND names, with its flags. Throws `usage`, and `object-missing` where it is nothing. */
export async function selectWith({ state, keys, repository }: Source, what: string, { namespace = 'default', allNamespaces = false, selector }: SelectionFlags): Promise<Selection> {
  const { kind, name } = what.includes('/') ? objectWord(what) : { kind: what, name: undefined };
  if (name !== undefined && allNamespaces) throw new KubekeepError('usage', 'an object lies in one namespace: give either its name or --all-namespaces');
  const resources = await findResources(state, kind);
  const labels = selector === undefined ? undefined : parseLabelSelector(selector);
  const found = await selectObjects(state, { resources, name, namespace: allNamespaces ? undefined : namespace, selector: labels }, keys);
  if (found.objects.length > 0) return found;
  const [resource] = resources;
  if (name === undefined || labels) throw new KubekeepError('object-missing', `there was nothing of ${what}${allNamespaces ? '' : ` in namespace ${namespace}`}${labels ? ` with these labels` : ''} (${state.called})`, { hint: `kubekeep objects list ${kind} -A --at POINT shows what there was.` });
  const called = nameOf(resource!) === 'namespaces' ? `namespace ${name}` : calledObject(resource!, namespace, name);
  throw new KubekeepError('object-missing', `there was no ${called} (${state.called})`, { hint: repository && (await whenItWas(repository, keyOf(resource!, namespace, name))) });
}
