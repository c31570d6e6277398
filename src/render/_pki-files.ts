import type { authorityNames } from '../pki/authorities.ts';
import { leavesFor } from '../pki/leaves.ts';
import type { DesiredContent, DesiredLeaf, RenderInput } from './design.ts';
import { pkiFolder } from './paths.ts';

/** The certificate of one CA, readable by every service. */
export function authorityFile({ secrets }: RenderInput, authority: (typeof authorityNames)[number], path: string): DesiredContent {
  return { path: `${pkiFolder}/${path}`, mode: 0o644, owner: 'root:root', content: secrets.authorities[authority].certificate };
}

/** The named certificates of this host. A name that the host does not need is our mistake. */
export function leafFiles({ cluster, host }: RenderInput, names: readonly string[]): DesiredLeaf[] {
  const leaves = leavesFor(cluster, host);
  return names.map((name) => {
    const leaf = leaves.find((one) => one.name === name);
    if (!leaf) throw new Error(`no certificate ${name} for ${host.name}`);
    return { path: leaf.certificatePath, leaf };
  });
}

/** Whose client certificates the API server accepts: the cluster's own CA and the one that signs requests inside the cluster. */
export function clientAuthoritiesFile({ secrets }: RenderInput): DesiredContent {
  const content = secrets.authorities['kubernetes'].certificate + secrets.authorities['kubernetes-signing'].certificate;
  return { path: `${pkiFolder}/client-ca.crt`, mode: 0o644, owner: 'root:root', content };
}
