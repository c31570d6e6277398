import { followsLog, hostsWith } from '../cluster/cluster.ts';
import type { Secret } from '../lib/secret.ts';
import { authorityFile, leafFiles } from './_pki-files.ts';
import { hardening, unitFile, unitMode } from './_unit-file.ts';
import { toYaml } from './_yaml.ts';
import type { ComponentDesign, DesiredContent, FollowerInput, RenderInput } from './design.ts';
import { configFolder, credentialPath, keeperMetrics, keeperUnit, pkiFolder, unitFolder } from './paths.ts';

const file = `${configFolder}/keeper.yaml`;
const s3Ca = `${configFolder}/keeper-s3-ca.pem`;
/** Secrets on the host: its writer's keys, and its login for S3. */
const writerFile = `${configFolder}/keeper-writer.json`;
const s3Login = `${configFolder}/keeper-s3`;

/** kubekeep itself as a service that follows etcd's log: with a writer's keys, which open nothing that was stored before, and an etcd certificate of its own. */
export function renderKeeper(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host, follower } = input;
  if (!follower || !followsLog(cluster, host)) return undefined;
  const root = (path: string, content: string | Secret, mode = 0o600): DesiredContent => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'keeper',
    unit: keeperUnit,
    programs: { kubekeep: follower.program },
    files: [
      authorityFile(input, 'etcd', 'etcd/ca.crt'),
      ...leafFiles(input, ['etcd-keeper-client']),
      root(file, externalFile(input, follower), 0o644),
      root(writerFile, follower.writer),
      ...(follower.s3Ca === undefined ? [] : [root(s3Ca, follower.s3Ca, 0o644)]),
      ...(follower.s3Login ? [root(s3Login, follower.s3Login)] : []),
      root(`${unitFolder}/${keeperUnit}`, unit(follower), unitMode),
    ],
    onChange: 'restart',
  };
}

/** On a host the cluster is one like any other whose etcd is reached by TCP; its own member first. */
function externalFile({ cluster, host }: RenderInput, follower: FollowerInput): string {
  const { repository, bandwidth, s3 = {} } = cluster.backup!;
  const members = [host, ...hostsWith(cluster, 'etcd').filter(({ name }) => name !== host.name)];
  const { endpoint, region, pathStyle } = s3;
  const options = { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }), ...(follower.s3Ca !== undefined && { ca: s3Ca }), ...(pathStyle !== undefined && { pathStyle }) };
  return toYaml({
    apiVersion: 'kubekeep.dev/v1alpha1',
    kind: 'Cluster',
    metadata: { name: cluster.name },
    spec: {
      external: {
        etcd: {
          endpoints: members.map(({ address }) => `https://${address}:2379`),
          ca: `${pkiFolder}/etcd/ca.crt`,
          certificate: `${pkiFolder}/etcd/keeper-client.crt`,
          key: credentialPath(keeperUnit, 'client.key'),
        },
      },
      backup: { repository, ...(bandwidth !== undefined && { bandwidth: rate(bandwidth) }), ...(Object.keys(options).length > 0 && { s3: options }) },
    },
  });
}

/** As the cluster file has it: "20MB/s". */
function rate(bytes: number): string {
  const [unit, size] = ([['GB', 1e9], ['MB', 1e6]] as const).find(([, one]) => bytes % one === 0) ?? (['kB', 1e3] as const);
  return `${bytes / size}${unit}/s`;
}

function unit({ program, node, script, s3Login: login }: FollowerInput): string {
  const [command, ...words] = [`${program}/${node}`, `${program}/${script}`, 'backup follow', `--file=${file}`, `--writer=${credentialPath(keeperUnit, 'writer')}`, `--metrics=${keeperMetrics}`];
  return unitFile({
    Unit: { Description: 'change log of etcd (kubekeep)', After: 'network-online.target etcd.service', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      Type: 'exec',
      User: 'kubekeep',
      Group: 'kubekeep',
      ExecStart: [command, ...words].join(' \\\n  '),
      // Where a host has no login of its own the SDK asks the machine for its role.
      ...(login && { Environment: [`AWS_SHARED_CREDENTIALS_FILE=${credentialPath(keeperUnit, 's3')}`, 'AWS_EC2_METADATA_DISABLED=true'] }),
      LoadCredential: [`writer:${writerFile}`, `client.key:${pkiFolder}/etcd/keeper-client.key`, ...(login ? [`s3:${s3Login}`] : [])],
      StateDirectory: 'kubekeep-keeper',
      StateDirectoryMode: '0700',
      RuntimeDirectory: 'kubekeep-keeper',
      RuntimeDirectoryMode: '0755',
      Restart: 'always',
      RestartSec: 5,
      // That is how it says that it was stopped.
      SuccessExitStatus: 130,
      // Behind everything that serves, whatever a base takes.
      Nice: 10,
      CPUWeight: 20,
      IOWeight: 20,
      IOSchedulingClass: 'best-effort',
      IOSchedulingPriority: 7,
      MemoryHigh: '512M',
      MemoryMax: '768M',
      TasksMax: 64,
      ...hardening,
      // Node compiles what it runs.
      MemoryDenyWriteExecute: 'no',
      // The metrics are for whoever collects them; everything else lies in a folder that is its own.
      UMask: '0022',
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}
