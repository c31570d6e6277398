import { stringify } from 'yaml';

/** Plain YAML with a head line that says whose file this is. */
export function toYaml(document: object): string {
  return `${managed}${stringify(document, { lineWidth: 0 })}`;
}

export const managed = '# Managed by kubekeep: changes are found by kubekeep plan and undone by kubekeep apply.\n';
