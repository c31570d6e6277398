/** A piece of a secret by which the whole is recognised wherever it is shown. */
export interface Needle {
  /** What it belongs to; may be shown. */
  readonly name: string;
  readonly text: string;
}

export const needleLength = 24;
/** As many characters as the place that is searched is told: far too few to help anybody, enough to be nowhere by chance. */
const hintLength = 6;

/**
 * Pieces of a secret: of a line from its inner half (the first lines of a PEM file are the same for all keys, and an RSA key's first half is its public
 * part), and of the whole in base64, the form in which files travel to hosts and Secrets in the API, at each of the three places where a byte can stand in
 * a group.
 */
export function needlesOf(name: string, secret: string): Needle[] {
  const body = secret.split('\n').map((line) => line.trim()).filter((line) => line.length >= needleLength && !line.startsWith('-----'));
  // An EC key is private in the beginning of its second line, an RSA key in its last half.
  const plain = body.length === 0 ? [] : [body[body.length > 4 ? Math.floor(body.length * 0.75) : Math.min(1, body.length - 1)]!.slice(0, needleLength)];
  const coded = [0, 1, 2].map((offset) => {
    const text = Buffer.from(secret).subarray(offset).toString('base64');
    const start = Math.floor(text.length * (body.length > 4 ? 0.75 : 0.4));
    return text.slice(start, start + needleLength);
  });
  return [...plain, ...coded].filter((text) => text.length === needleLength).map((text) => ({ name, text }));
}

/** What a place is told to look for: it sends back what follows, as long as a needle, and the needles never leave this computer. */
export function hintsOf(needles: readonly Needle[]): string[] {
  return [...new Set(needles.map(({ text }) => text.slice(0, hintLength)))];
}

/** The names of the secrets of which a text shows a piece, each once. */
export function seenIn(text: string, needles: readonly Needle[]): string[] {
  return [...new Set(needles.filter((needle) => text.includes(needle.text)).map(({ name }) => name))];
}
