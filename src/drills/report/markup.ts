/** Text that is HTML already. Only `markup` makes one, so that nothing gets into a page unescaped. */
export interface Markup {
  readonly html: string;
}

type Part = Markup | string | number | undefined | false | readonly Part[];

/** HTML with what is put in escaped, except for other markup. Put values only into text and into attributes in double quotes. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { html: strings.map((text, position) => (position === 0 ? text : htmlOf(parts[position - 1]) + text)).join('') };
}

function htmlOf(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escaped(part);
  if ('html' in part) return part.html;
  return part.map(htmlOf).join('');
}

/** Characters that no XML may have, and those that turn the direction of writing, are replaced. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF\u202A-\u202E\u2066-\u2069]/g, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
