import { parse } from 'yaml';

interface Rule {
  readonly level: string;
  readonly verbs?: readonly string[];
  readonly users?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly resources?: readonly { readonly group: string; readonly resources?: readonly string[] }[];
}

export interface AuditedRequest {
  readonly verb: string;
  readonly group: string;
  /** With the subresource: `pods/exec`. */
  readonly resource: string;
}

/** The level at which a policy notes a request of a person: that of the first rule that fits, as the API server reads it. */
export function auditLevel(policy: string, { verb, group, resource }: AuditedRequest): string {
  const { rules } = parse(policy) as { readonly rules: readonly Rule[] };
  const rule = rules.find((one) => {
    if (one.users || one.nonResourceURLs) return false;
    if (one.verbs && !one.verbs.includes(verb)) return false;
    return one.resources === undefined || one.resources.some((entry) => entry.group === group && (entry.resources === undefined || entry.resources.includes(resource)));
  });
  return rule?.level ?? 'None';
}
