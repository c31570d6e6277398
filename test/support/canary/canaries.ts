/** A piece of a secret: wherever it is seen, the secret was seen. */
export interface Canary {
  /** What it belongs to; may be shown. */
  readonly name: string;
  readonly text: string;
}

/**
 * The pieces by which a secret is recognised: each of its lines that is long enough to be its own, and it as a whole in base64, the form in which files
 * travel to hosts, at each of the three places where a byte can stand in a group.
 */
export function canariesOf(name: string, secret: string): readonly Canary[] {
  const lines = secret.split('\n').map((line) => line.trim()).filter((line) => line.length >= 20 && !line.startsWith('-----') && !line.startsWith('#'));
  const coded = [0, 1, 2].map((offset) => {
    const text = Buffer.from(secret).subarray(offset).toString('base64');
    return text.slice(Math.floor(text.length / 2)).slice(0, 40);
  });
  return [...lines, ...coded.filter((text) => text.length >= 20)].map((text) => ({ name, text }));
}

/** Which secrets a text shows a piece of, each once. */
export function seenIn(text: string, canaries: readonly Canary[]): readonly string[] {
  return [...new Set(canaries.filter((canary) => text.includes(canary.text)).map(({ name }) => name))];
}
