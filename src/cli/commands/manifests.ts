import { Option } from 'commander';
import { stringify } from 'yaml';
import { KubekeepError } from '../../lib/errors.ts';
import { forwardedServiceForm, label, parseForwardedServices } from '../../manifests/forwarded-service.ts';
import { haproxyManifests, ownNamespace, type HaproxyManifests } from '../../manifests/haproxy-manifests.ts';
import type { AddCommand } from '../add-command.ts';

interface Flags extends Pick<HaproxyManifests, 'namespace' | 'image' | 'type' | 'domain'> {
  readonly services: readonly string[];
  readonly replicas: string;
}

/** `manifests`: plain manifests for use inside a cluster, whoever built it. */
export const addManifests: AddCommand = (program, cli) => {
  const manifests = program.command('manifests').description('Manifests for use inside a cluster. They go through kubectl apply -f -; none of these commands speaks to a cluster.');
  manifests
    .command('haproxy')
    .description('HAProxy as Deployment, Service, ConfigMap and PodDisruptionBudget in front of the pods of headless Services, which it finds by DNS: pods come and go without a reload. A changed configuration is rolled out pod by pod.')
    .requiredOption('--services <service...>', `${forwardedServiceForm}; the Service must be headless (clusterIP: None). Default: http, leastconn, at most 32 pods, the same port, no question beyond a connection`)
    .option('--image <image>', 'an image with haproxy and sh on its path', 'docker.io/library/haproxy:3.2')
    .option('--namespace <namespace>', 'where HAProxy runs; any other than the default has to be there already', ownNamespace)
    .option('--replicas <number>', 'how many HAProxy pods', '2')
    .addOption(new Option('--type <type>', 'of the Service in front of the HAProxy pods').choices(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP'))
    .option('--domain <domain>', "the cluster's DNS domain", 'cluster.local')
    .action(({ services, image, namespace, replicas, type, domain }: Flags) => {
      const documents = haproxyManifests({
        services: parseForwardedServices(services),
        image: matching('--image', image, /^[\w.\-/:@]+$/, 'a name such as docker.io/library/haproxy:3.2'),
        namespace: matching('--namespace', namespace, new RegExp(`^${label}$`), 'at most 63 lower-case letters, digits and dashes'),
        replicas: Number(matching('--replicas', replicas, /^[1-9]\d?$/, 'a whole number from 1 to 99')),
        type,
        domain: matching('--domain', domain, /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'a DNS name such as cluster.local'),
      });
      cli.print({ kind: 'Manifests', data: { manifests: documents }, text: documents.map((document) => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n').trimEnd() });
    });
};

function matching(option: string, value: string, form: RegExp, expected: string): string {
  if (!form.test(value)) throw new KubekeepError('usage', `${option} cannot be ${JSON.stringify(value)}`, { hint: `It is ${expected}.` });
  return value;
}
