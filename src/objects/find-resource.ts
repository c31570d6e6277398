import { KubekeepError } from '../lib/errors.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import { at, isList, textOf, type JsonObject } from './json.ts';
import { builtInResources, type Resource } from './resources.ts';
import { nameOf } from './stored-objects.ts';

/** What kubectl would take a word for: plural, singular, kind or short name, in any letters, and "plural.group". Undefined where nothing is called so. */
export function resourceCalled(word: string, resources: readonly Resource[] = builtInResources): Resource | undefined {
  const wanted = word.toLowerCase();
  const [name = '', ...group] = wanted.split('.');
  const of = ({ resource, kind, shortNames }: Resource, called: string) => [resource, kind.toLowerCase(), ...shortNames].includes(called);
  return resources.find((one) => of(one, wanted)) ?? resources.find((one) => of(one, name) && one.group === group.join('.'));
}

/** For a word that names nothing among built-in and custom resources. */
export function noResource(word: string, custom: readonly Resource[]): KubekeepError {
  const all = [...builtInResources, ...custom];
  const near = nearestWord(word, all.flatMap(({ resource, kind, shortNames }) => [resource, kind.toLowerCase(), ...shortNames]));
  const others = custom.length === 0 ? 'there was no custom resource at that point' : `custom resources at that point: ${custom.slice(0, 12).map(nameOf).join(', ')}${custom.length > 12 ? ', …' : ''}`;
  return new KubekeepError('usage', `no kind of object is called "${word}"`, { hint: near ? `Was ${near} meant?` : `Kinds are called as in kubectl; ${others}.` });
}

/** What a CustomResourceDefinition defines. */
export function customResource(definition: JsonObject): Resource {
  const spec = definition['spec'];
  const shortNames = at(spec, 'names', 'shortNames');
  return {
    group: textOf(at(spec, 'group')),
    resource: textOf(at(spec, 'names', 'plural')),
    kind: textOf(at(spec, 'names', 'kind')),
    namespaced: at(spec, 'scope') === 'Namespaced',
    shortNames: isList(shortNames) ? shortNames.map(textOf) : [],
    custom: true,
  };
}
