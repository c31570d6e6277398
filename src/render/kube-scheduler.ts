import { authorityFile, clientAuthoritiesFile, leafFiles } from './_pki-files.ts';
import { commandLine, hardening, unitFile, unitMode } from './_unit-file.ts';
import { toYaml } from './_yaml.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { clientTimeouts, localKubeconfig } from './kube-controller-manager.ts';
import { credentialPath, pkiFolder, programPath, unitFolder } from './paths.ts';

const unit = 'kube-scheduler.service';
const kubeconfigFile = '/etc/kubernetes/scheduler.conf';
const kubeconfigPath = credentialPath(unit, 'kubeconfig');
const configPath = '/etc/kubernetes/scheduler.yaml';

/** The scheduler, against the API server of the same host. */
export function renderScheduler(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host } = input;
  if (!host.roles.includes('control-plane')) return undefined;
  const program = programPath('kube-scheduler', cluster.kubernetes.version);
  const file = (path: string, content: string, mode: number) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'kube-scheduler',
    unit,
    programs: { 'kube-scheduler': program },
    files: [
      authorityFile(input, 'kubernetes', 'ca.crt'),
      authorityFile(input, 'front-proxy', 'front-proxy-ca.crt'),
      clientAuthoritiesFile(input),
      ...leafFiles(input, ['scheduler', 'scheduler-server']),
      file(kubeconfigFile, localKubeconfig(cluster.name, host, 'scheduler', unit), 0o600),
      file(configPath, configuration, 0o644),
      file(`${unitFolder}/${unit}`, schedulerUnit(program, { ...flags, ...cluster.kubernetes.scheduler.extraFlags }), unitMode),
    ],
    onChange: 'restart',
  };
}

const configuration = toYaml({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  clientConnection: { kubeconfig: kubeconfigPath },
  leaderElection: { leaderElect: true, leaseDuration: '10s', renewDeadline: '8s', retryPeriod: '1s' },
  enableProfiling: false,
});

const flags: Record<string, string> = {
  'authentication-kubeconfig': kubeconfigPath,
  'authorization-kubeconfig': kubeconfigPath,
  'bind-address': '127.0.0.1',
  'client-ca-file': `${pkiFolder}/client-ca.crt`,
  'config': configPath,
  'requestheader-client-ca-file': `${pkiFolder}/front-proxy-ca.crt`,
  'tls-cert-file': `${pkiFolder}/scheduler-server.crt`,
  'tls-min-version': 'VersionTLS13',
  'tls-private-key-file': credentialPath(unit, 'server.key'),
};

function schedulerUnit(program: string, all: Record<string, string>): string {
  return unitFile({
    Unit: { Description: 'Kubernetes scheduler (kubekeep)', After: 'network-online.target kube-apiserver.service', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      User: 'kubernetes',
      Group: 'kubernetes',
      ExecStart: commandLine(program, all),
      Environment: clientTimeouts,
      LoadCredential: [`kubeconfig:${kubeconfigFile}`, `client.key:${pkiFolder}/scheduler.key`, `server.key:${pkiFolder}/scheduler-server.key`],
      Restart: 'always',
      RestartSec: 1,
      LimitNOFILE: 65536,
      ...hardening,
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}
