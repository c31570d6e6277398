import { inspect } from 'node:util';

/**
 * A text that must not be seen: a private key, a token, an identity. It prints as `[secret]` wherever it ends up by mistake (a template,
 * `JSON.stringify`, an error, `console.log`); only `reveal()` gives the text.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
