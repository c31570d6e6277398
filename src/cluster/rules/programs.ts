import type { Finding } from '../_finding.ts';
import type { Draft } from './rule.ts';

/** `source: directory` needs its folder, and a folder needs that source. */
export const programsHaveAPlace = ({ spec: { programs } }: { readonly spec: Pick<Draft['spec'], 'programs'> }): readonly Finding[] => {
  const { source, directory, mirror } = programs;
  if (source === undefined) return [];
  const path = (field: string) => ['spec', 'programs', field];
  if (source === 'directory' && directory === undefined) return [{ path: path('directory'), message: 'spec.programs.source is directory, and spec.programs.directory does not say which', suggestion: 'add directory: PATH' }];
  if (source !== 'directory' && directory !== undefined) return [{ path: path('directory'), at: 'name', message: `spec.programs.directory is not used with source: ${source}`, suggestion: 'set source: directory, or take it out' }];
  if ((source === 'directory' || source === 'build') && mirror !== undefined) return [{ path: path('mirror'), at: 'name', message: `spec.programs.mirror is not used with source: ${source}`, suggestion: 'take it out' }];
  return [];
};
