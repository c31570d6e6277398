import { KubekeepError } from '../lib/errors.ts';
import type { Json } from './json.ts';

/** Text, what is found at a path, or what stands between `{range …}` and `{end}` for each thing found. */
export type PathPart = { readonly text: string } | { readonly path: Path; readonly body?: readonly PathPart[] };

/** From what is looked at: inside a range or a filter that is one of its things, whether the path begins with `@`, as kubectl has it, with `$`, or with neither. */
export type Path = readonly Step[];

export type Step =
  | { readonly by: 'name'; readonly name: string }
  | { readonly by: 'any' }
  /** It and all below. */
  | { readonly by: 'deep' }
  | { readonly by: 'slice'; readonly from: number | undefined; readonly to: number | undefined; readonly every: number }
  | { readonly by: 'position'; readonly position: number }
  | { readonly by: 'either'; readonly of: readonly Step[] }
  | { readonly by: 'filter'; readonly left: Path; readonly operator: Operator | undefined; readonly right: Path | { readonly literal: Json } };

const operators = ['==', '!=', '<=', '>=', '<', '>'] as const;
export type Operator = (typeof operators)[number];

/** Reads a template as kubectl's `-o jsonpath=` has it. Throws `usage`. */
export function parseTemplate(text: string): readonly PathPart[] {
  return new Parser(text).template();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  template(): readonly PathPart[] {
    const parts = this.#parts(false);
    if (!parts.some((part) => 'path' in part)) throw this.#wrong('it has no path in braces');
    return parts;
  }

  /** Up to the end, or to `{end}`. */
  #parts(inRange: boolean): readonly PathPart[] {
    const parts: PathPart[] = [];
    while (this.#at < this.#text.length) {
      const text = this.#take(/[^{]+/y);
      if (text !== undefined) parts.push({ text });
      if (this.#take(/\{\s*/y) === undefined) continue;
      if (this.#take(/end\s*\}/y) !== undefined) {
        if (inRange) return parts;
        throw this.#wrong('there is an {end} without a {range}');
      }
      parts.push(...this.#inBraces());
    }
    if (inRange) throw this.#wrong('a {range} has no {end}');
    return parts;
  }

  #inBraces(): readonly PathPart[] {
    const literal = this.#literal();
    if (typeof literal === 'string') {
      this.#expect(/\s*\}/y, 'closing brace');
      return [{ text: literal }];
    }
    const range = this.#take(/range\s+/y) !== undefined;
    const path = this.#path();
    this.#expect(/\s*\}/y, 'closing brace');
    return [range ? { path, body: this.#parts(true) } : { path }];
  }

  #path(): Path {
    const start = this.#at;
    const head = this.#take(/[$@]/y);
    const steps: Step[] = [];
    for (let more = true; more; ) {
      const step = this.#step();
      steps.push(...step);
      more = step.length > 0;
    }
    // A single point is all.
    if (head === undefined && steps.length === 0 && this.#take(/\./y) === undefined) throw this.#wrong('a path is missing', start);
    return steps;
  }

  #step(): readonly Step[] {
    if (this.#take(/\.\.(?=\[)/y) !== undefined) return [{ by: 'deep' }, this.#brackets()];
    const deep = this.#take(/\.\.(?=[^.[\s}])/y) !== undefined;
    if (!deep && this.#take(/\.(?=\[)/y) === undefined && this.#text[this.#at] !== '[' && this.#take(/\.(?=[^.[\s})=!<>])/y) === undefined) return [];
    if (this.#text[this.#at] === '[') return [this.#brackets()];
    const name = this.#expect(/\*|(?:\\.|[^.[\]{}()\s=!<>,\\*])+/y, 'name of a field').replaceAll(/\\(.)/g, '$1');
    return [...(deep ? [{ by: 'deep' } as const] : []), name === '*' ? { by: 'any' } : { by: 'name', name }];
  }

  #brackets(): Step {
    this.#expect(/\[\s*/y, 'opening bracket');
    const filter = this.#take(/\?\(\s*/y) !== undefined;
    const step = filter ? this.#filter() : this.#choices();
    this.#expect(/\s*\]/y, 'closing bracket');
    return step;
  }

  #choices(): Step {
    const of: Step[] = [this.#choice()];
    while (this.#take(/\s*,\s*/y) !== undefined) of.push(this.#choice());
    return of.length === 1 ? of[0]! : { by: 'either', of };
  }

  #choice(): Step {
    if (this.#take(/\*/y) !== undefined) return { by: 'any' };
    const name = this.#literal();
    if (typeof name === 'string') return { by: 'name', name };
    const slice = this.#take(/-?\d*(:-?\d*){1,2}/y);
    if (slice !== undefined) {
      const [from, to, every = 1] = slice.split(':').map((one) => (one === '' ? undefined : Number(one)));
      if (every < 1) throw this.#wrong('a slice has to go forward');
      return { by: 'slice', from, to, every };
    }
    return { by: 'position', position: Number(this.#expect(/-?\d+/y, 'number, name in quotes, * or ?(…)')) };
  }

  #filter(): Step {
    const left = this.#path();
    const operator = this.#take(/\s*(==|!=|<=|>=|<|>)\s*/y)?.trim() as Operator | undefined;
    const literal = operator === undefined ? undefined : (this.#literal() ?? this.#word());
    const right = operator === undefined || literal !== undefined ? { literal: literal ?? null } : this.#path();
    this.#expect(/\s*\)/y, 'closing parenthesis');
    return { by: 'filter', left, operator, right };
  }

  #literal(): string | undefined {
    const quoted = this.#take(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/y);
    return quoted?.slice(1, -1).replaceAll(/\\(.)/g, (_, one: string) => ({ n: '\n', t: '\t', r: '\r' })[one] ?? one);
  }

  #word(): Json | undefined {
    const word = this.#take(/true|false|-?\d+(\.\d+)?/y);
    return word === undefined ? undefined : (JSON.parse(word) as Json);
  }

  #take(what: RegExp): string | undefined {
    what.lastIndex = this.#at;
    const [found] = what.exec(this.#text) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }

  #expect(what: RegExp, called: string): string {
    const found = this.#take(what);
    if (found === undefined) throw this.#wrong(`at position ${this.#at + 1} a ${called} is missing`);
    return found;
  }

  #wrong(why: string, at = this.#at): KubekeepError {
    const rest = this.#text.slice(at, at + 20);
    return new KubekeepError('usage', `"${this.#text}" is no jsonpath as kubectl has it: ${why}${rest === '' ? '' : ` (before "${rest}")`}`, { hint: "Such as -o jsonpath='{.metadata.name}' or '{range .items[*]}{.metadata.name}{\"\\n\"}{end}'. Regular expressions and && are not known." });
  }
}
