import type { Finding } from '../_finding.ts';
import { refuseFeatureGate, refuseFlag } from './owned-flags.ts';
import type { Component } from './owned-flags.ts';
import type { Rule } from './rule.ts';

/** No flag that kubekeep must set itself, and none that keeps a program from starting. */
export const flagsAreFree: Rule = ({ spec: { kubernetes } }) =>
  (['apiServer', 'controllerManager', 'scheduler'] as const satisfies readonly Component[]).flatMap((component) =>
    Object.entries(kubernetes[component].extraFlags).flatMap(([flag, value]): readonly Finding[] => {
      const path = ['spec', 'kubernetes', component, 'extraFlags', flag];
      const refused = refuseFlag(component, flag);
      if (refused !== undefined) return [{ path, at: 'name', message: `flag ${flag} ${refused}`, suggestion: 'take it out' }];
      if (flag === 'feature-gates') {
        const gates = (value ?? '').split(',').map((gate) => refuseFeatureGate(gate.split('=')[0]!.trim()));
        return gates.flatMap((message) => (message === undefined ? [] : [{ path, message, suggestion: 'take it out' }]));
      }
      if (flag === 'goaway-chance' && !(Number(value) >= 0 && Number(value) <= 0.02)) return [{ path, message: 'goaway-chance must be from 0 to 0.02; the API server refuses other values', suggestion: '0.001 is what kubekeep sets' }];
      return [];
    }),
  );
