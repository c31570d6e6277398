/** What keeps an HTML page from being well-formed XML too: tags that do not match, attributes without quotes, bare signs. Content of `style` is not read. */
export function markupProblems(html: string): string[] {
  const problems: string[] = [];
  const open: string[] = [];
  const text = html.replace(/^<!DOCTYPE html>\n/, '').replaceAll(/(<style>)[^<]*(<\/style>)/g, '$1$2');
  const tag = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
  for (let position = 0; position < text.length; ) {
    if (text[position] === '<') {
      tag.lastIndex = position;
      const found = tag.exec(text);
      if (!found) return [...problems, `no tag: ${text.slice(position, position + 80)}`];
      const [all, closes, name = '', attributes = '', isEmpty] = found;
      const names = [...attributes.matchAll(/([\w:-]+)="/g)].map(([, one]) => one);
      if (new Set(names).size < names.length) problems.push(`an attribute twice: ${all}`);
      problems.push(...bareSigns(attributes));
      if (closes) {
        const last = open.pop();
        if (last !== name) return [...problems, `</${name}> closes <${last}>: ${text.slice(position - 80, position + 20)}`];
      } else if (!isEmpty) open.push(name);
      position += all.length;
    } else {
      const next = text.indexOf('<', position);
      const end = next === -1 ? text.length : next;
      problems.push(...bareSigns(text.slice(position, end)));
      position = end;
    }
  }
  return [...problems, ...open.map((name) => `<${name}> is not closed`)];
}

function bareSigns(text: string): string[] {
  return [...text.matchAll(/&(?!(?:amp|lt|gt|quot|#39);).{0,20}|[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g)].map(([found]) => `a bare sign: ${found}`);
}
