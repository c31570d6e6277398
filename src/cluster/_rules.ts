import { backupHasAPlace, externalHostsAreLeft, hostsReachBackup } from './rules/backup.ts';
import { distinctHosts } from './rules/distinct-hosts.ts';
import { endpointFits } from './rules/endpoint.ts';
import { etcdTimesFit } from './rules/etcd-times.ts';
import { flagsAreFree } from './rules/free-flags.ts';
import { networksAreApart } from './rules/networks.ts';
import { programsHaveAPlace } from './rules/programs.ts';
import { endpointsAreDistinct, externalVersionsAreSafe } from './rules/external.ts';
import type { ExternalRule, Rule } from './rules/rule.ts';
import { servicesFit } from './rules/services.ts';
import { versionsAreSafe } from './rules/safe-versions.ts';
import { topologyHolds } from './rules/topology.ts';
import { nodesFit } from './rules/nodes.ts';

/** Everything that is checked beyond the form of single fields. */
export const rules: readonly Rule[] = [distinctHosts, topologyHolds, nodesFit, endpointFits, networksAreApart, versionsAreSafe, etcdTimesFit, flagsAreFree, programsHaveAPlace, backupHasAPlace, hostsReachBackup, servicesFit];

/** The same for the file of a cluster that somebody else built. */
export const externalRules: readonly ExternalRule[] = [endpointsAreDistinct, externalVersionsAreSafe, programsHaveAPlace, backupHasAPlace, externalHostsAreLeft];
