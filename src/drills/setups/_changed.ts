import { isLeaf, type ComponentDesign, type ComponentName, type Renderer, type RenderInput } from '../../render/design.ts';
import { renderers } from '../../render/host-design.ts';

export type Change = (design: ComponentDesign, input: RenderInput) => ComponentDesign;

/** kubekeep's table with some components changed, on the hosts that have them. */
export function changed(changes: Partial<Record<ComponentName, Change>>, table: readonly Renderer[] = renderers): readonly Renderer[] {
  return table.map((render): Renderer => (input) => {
    const design = render(input);
    return design && (changes[design.name]?.(design, input) ?? design);
  });
}

/** One text file of a component rewritten. Throws where there is none at the path, or where the rewriting changed nothing: a set-up that is like ours by accident would prove nothing. */
export function rewritten(design: ComponentDesign, path: string, rewrite: (text: string) => string): ComponentDesign {
  let done = false;
  const files = design.files.map((file) => {
    if (isLeaf(file) || file.path !== path || typeof file.content !== 'string') return file;
    const content = rewrite(file.content);
    done = content !== file.content;
    return { ...file, content };
  });
  if (!done) throw new Error(`${design.name}: nothing was changed in ${path}`);
  return { ...design, files };
}

/** One change after the other. */
export function inTurn(...changes: readonly Change[]): Change {
  return (design, input) => changes.reduce((result, change) => change(result, input), design);
}

/** Takes flags of the form `--name=value` out of a component's unit. */
export function withoutFlags(...names: readonly string[]): Change {
  return withoutInUnit(names.map((name) => new RegExp(` \\\\\\n  --${name}=\\S*`)));
}

/** Takes options of systemd out of a component's unit. */
export function withoutOptions(...names: readonly string[]): Change {
  return withoutInUnit(names.map((name) => new RegExp(`^${name}=.*\\n`, 'm')));
}

function withoutInUnit(patterns: readonly RegExp[]): Change {
  return (design) => rewritten(design, unitPath(design), (text) => patterns.reduce((rest, pattern) => replaceOnce(rest, pattern, ''), text));
}

/** Like `replace`, but throws where the text has nothing of it. */
export function replaceOnce(text: string, what: RegExp | string, by: string): string {
  const result = text.replace(what, by);
  if (result === text) throw new Error(`there is no ${String(what)} to replace`);
  return result;
}

export function unitPath({ unit }: ComponentDesign): string {
  return `/etc/systemd/system/${unit}`;
}
