import { parseTemplate, type Path, type PathPart, type Step } from './_json-path-parser.ts';
import { isList, isObject, printable, sorted, type Json } from './json.ts';

/** What `kubectl get -o jsonpath=TEMPLATE` prints of an object: what is missing is left out, several things found stand one blank apart. Throws `usage` where the template is none. */
export function parseJsonPath(template: string): (object: Json) => string {
  const parts = parseTemplate(template);
  return (object) => textOfParts(parts, object);
}

function textOfParts(parts: readonly PathPart[], from: Json): string {
  return parts.map((part) => {
    if ('text' in part) return part.text;
    const found = follow(part.path, from);
    return part.body ? found.map((one) => textOfParts(part.body!, one)).join('') : found.map(textOfOne).join(' ');
  }).join('');
}

function textOfOne(value: Json): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(printable(sorted(value))) : String(value);
}

function follow(steps: Path, from: Json): readonly Json[] {
  return steps.reduce<readonly Json[]>((found, step) => found.flatMap((one) => take(step, one)), [from]);
}

function take(step: Step, value: Json): readonly Json[] {
  switch (step.by) {
    case 'name': return isObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]!] : [];
    case 'any': return below(value);
    case 'deep': return deep(value);
    case 'position': return isList(value) ? value.slice(step.position, step.position === -1 ? undefined : step.position + 1) : [];
    case 'slice': return isList(value) ? value.slice(step.from, step.to).filter((_, index) => index % step.every === 0) : [];
    case 'either': return step.of.flatMap((one) => take(one, value));
    case 'filter': return below(value).filter((one) => holds(step, one));
  }
}

function below(value: Json): readonly Json[] {
  if (isList(value)) return value;
  return isObject(value) ? Object.keys(value).toSorted().map((key) => value[key]!) : [];
}

function deep(value: Json): readonly Json[] {
  return [value, ...below(value).flatMap(deep)];
}

function holds({ left, operator, right }: Extract<Step, { readonly by: 'filter' }>, one: Json): boolean {
  const [found, other] = [follow(left, one)[0], 'literal' in right ? right.literal : follow(right, one)[0]];
  if (operator === undefined) return found !== undefined;
  if (found === undefined || other === undefined) return false;
  if (operator === '==' || operator === '!=') return (textOfOne(found) === textOfOne(other)) === (operator === '==');
  if (typeof found !== typeof other || found === null || other === null) return false;
  return { '<': found < other, '<=': found <= other, '>': found > other, '>=': found >= other }[operator];
}
