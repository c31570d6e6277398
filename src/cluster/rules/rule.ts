import type { Finding } from '../_finding.ts';
import type { Salvaged } from '../_salvage.ts';
import type { ClusterFile } from '../cluster-file-schema.ts';
import type { ExternalFile } from '../external-file-schema.ts';

/** The file as far as it could be understood; undefined fields are missing or wrong and have been reported. */
export type Draft = Salvaged<ClusterFile>;

/** Looks at several fields at once. It stays silent where a field that it needs is undefined. */
export type Rule = (draft: Draft) => readonly Finding[];

export type ExternalDraft = Salvaged<ExternalFile>;
export type ExternalRule = (draft: ExternalDraft) => readonly Finding[];

export const vipAddress = ({ spec }: Draft): string | undefined => spec.endpoint.vip?.split('/')[0];
