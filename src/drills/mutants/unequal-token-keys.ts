import { generateKeyPairSync } from 'node:crypto';
import { hostsWith } from '../../cluster/cluster.ts';
import { Secret } from '../../lib/secret.ts';
import type { Renderer, RenderInput } from '../../render/design.ts';
import { renderers } from '../../render/host-design.ts';
import type { SetupMutant } from './mutant.ts';

let another: Secret | undefined;

/** As where each control-plane host was set up by itself: a pod's token is good or not by where the balancer sends it. */
export const unequalTokenKeys: SetupMutant = {
  kind: 'set-up',
  id: 'M13',
  title: 'one API server signs service accounts\' tokens with a key of its own',
  fault: 'E1',
  caughtBy: 'C-token',
  renderers: renderers.map((render): Renderer => (input) => render(isVictim(input) ? { ...input, secrets: { ...input.secrets, serviceAccountKey: anotherKey() } } : input)),
};

function isVictim({ cluster, host }: RenderInput): boolean {
  return hostsWith(cluster, 'control-plane').at(-1)?.name === host.name;
}

/** The same for the whole process, or each plan would see another change. */
function anotherKey(): Secret {
  another ??= new Secret(generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey);
  return another;
}
