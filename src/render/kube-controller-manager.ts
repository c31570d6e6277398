import type { HostSpec } from '../cluster/cluster.ts';
import type { Secret } from '../lib/secret.ts';
import { authorityFile, clientAuthoritiesFile, leafFiles } from './_pki-files.ts';
import { commandLine, hardening, unitFile, unitMode } from './_unit-file.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { kubeconfig } from './kubeconfig.ts';
import { credentialPath, pkiFolder, programPath, unitFolder } from './paths.ts';

const unit = 'kube-controller-manager.service';
const kubeconfigFile = '/etc/kubernetes/controller-manager.conf';
const kubeconfigPath = credentialPath(unit, 'kubeconfig');

/** The controllers, against the API server of the same host: they die and hand over with it. */
export function renderControllerManager(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host, secrets } = input;
  if (!host.roles.includes('control-plane')) return undefined;
  const program = programPath('kube-controller-manager', cluster.kubernetes.version);
  const file = (path: string, content: string | Secret, mode = 0o600) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'kube-controller-manager',
    unit,
    programs: { 'kube-controller-manager': program },
    files: [
      authorityFile(input, 'kubernetes', 'ca.crt'),
      authorityFile(input, 'front-proxy', 'front-proxy-ca.crt'),
      authorityFile(input, 'kubernetes-signing', 'signing-ca.crt'),
      clientAuthoritiesFile(input),
      file(`${pkiFolder}/signing-ca.key`, secrets.authorities['kubernetes-signing'].privateKey),
      file(`${pkiFolder}/sa.key`, secrets.serviceAccountKey),
      ...leafFiles(input, ['controller-manager', 'controller-manager-server']),
      file(kubeconfigFile, localKubeconfig(cluster.name, host, 'controller-manager', unit)),
      file(`${unitFolder}/${unit}`, controllerManagerUnit(program, flags(input)), unitMode),
    ],
    onChange: 'restart',
  };
}

/** A kubeconfig for a component of the same host; the key is the credential that systemd hands to the unit. */
export function localKubeconfig(cluster: string, host: HostSpec, name: string, forUnit: string): string {
  return kubeconfig({
    cluster,
    server: `https://${host.address}:6443`,
    authority: { file: `${pkiFolder}/ca.crt` },
    user: `system:kube-${name}`,
    credentials: { certificateFile: `${pkiFolder}/${name}.crt`, keyFile: credentialPath(forUnit, 'client.key') },
  });
}

function flags({ cluster }: RenderInput): Record<string, string> {
  return {
    'allocate-node-cidrs': 'true',
    'authentication-kubeconfig': kubeconfigPath,
    'authorization-kubeconfig': kubeconfigPath,
    'bind-address': '127.0.0.1',
    'client-ca-file': `${pkiFolder}/client-ca.crt`,
    'cluster-cidr': cluster.networks.pods,
    'cluster-signing-cert-file': `${pkiFolder}/signing-ca.crt`,
    'cluster-signing-key-file': credentialPath(unit, 'signing-ca.key'),
    'controllers': '*,bootstrap-signer-controller,token-cleaner-controller',
    'flex-volume-plugin-dir': '/var/lib/kube-controller-manager/volume-plugins',
    'kubeconfig': kubeconfigPath,
    'leader-elect-lease-duration': '10s',
    'leader-elect-renew-deadline': '8s',
    'leader-elect-retry-period': '1s',
    'profiling': 'false',
    'requestheader-client-ca-file': `${pkiFolder}/front-proxy-ca.crt`,
    'root-ca-file': `${pkiFolder}/ca.crt`,
    'service-account-private-key-file': credentialPath(unit, 'sa.key'),
    'service-cluster-ip-range': cluster.networks.services,
    'tls-cert-file': `${pkiFolder}/controller-manager-server.crt`,
    'tls-min-version': 'VersionTLS13',
    'tls-private-key-file': credentialPath(unit, 'server.key'),
    'use-service-account-credentials': 'true',
    ...cluster.kubernetes.controllerManager.extraFlags,
  };
}

function controllerManagerUnit(program: string, all: Record<string, string>): string {
  return unitFile({
    Unit: { Description: 'Kubernetes controller manager (kubekeep)', After: 'network-online.target kube-apiserver.service', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      User: 'kubernetes',
      Group: 'kubernetes',
      ExecStart: commandLine(program, all),
      Environment: clientTimeouts,
      LoadCredential: [
        `kubeconfig:${kubeconfigFile}`,
        `client.key:${pkiFolder}/controller-manager.key`,
        `server.key:${pkiFolder}/controller-manager-server.key`,
        `signing-ca.key:${pkiFolder}/signing-ca.key`,
        `sa.key:${pkiFolder}/sa.key`,
      ],
      StateDirectory: 'kube-controller-manager',
      Restart: 'always',
      RestartSec: 1,
      LimitNOFILE: 65536,
      ...hardening,
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}

/** A silent connection is given up after 15 s; client-go's own default is 45 s. */
export const clientTimeouts = ['HTTP2_READ_IDLE_TIMEOUT_SECONDS=10', 'HTTP2_PING_TIMEOUT_SECONDS=5'];
