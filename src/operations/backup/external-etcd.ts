import { connectEtcd, type EtcdClient, type EtcdMember } from '../../clients/etcd/connect-etcd.ts';
import type { EtcdTls } from '../../clients/etcd/etcd-connection.ts';
import { EtcdError } from '../../clients/etcd/etcd-error.ts';
import type { MemberId } from '../../clients/etcd/member-id.ts';
import type { ExternalCluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { createIdentity } from '../../pki/seal.ts';
import { keepIdentity, readIdentity, readKept } from '../state.ts';
import type { ReadOperation } from './backup-operation.ts';
import { daysLeftOf, readCredentials } from './etcd-credentials.ts';
import type { EtcdSource, KnownMember, OwnIdentity } from './etcd-source.ts';

type ExternalOperation = ReadOperation & { readonly cluster: ExternalCluster };

/** Days before the client certificate expires from which on that is said. */
const soon = 30;

/** The etcd of a cluster that somebody else built, reached by TCP with the certificate that the cluster file names. */
export function externalEtcd(operation: ExternalOperation): EtcdSource {
  const note = noteOnce(operation);
  return {
    async members() {
      const { cluster: { external: { etcd } }, clock, signal } = operation;
      const tls = await readCredentials(etcd, clock.now());
      const days = daysLeftOf(tls, clock.now());
      if (days < soon) note(`the client certificate ${etcd.certificate} expires in ${days} days`, 'Backups stop then: copy the renewed one and its key here.');
      const looks = await Promise.all(etcd.endpoints.map((endpoint) => look(endpoint, tls, signal)));
      signal.throwIfAborted();
      return known(looks, tls, { note, signal });
    },
    identity: () => ownIdentity(operation),
    // Its PKI is not where its etcd is.
    bundle: async () => undefined,
  };
}

/** What was found at an endpoint. */
interface Look {
  readonly endpoint: string;
  /** Of whoever answered; undefined where nobody did. */
  readonly answered?: { readonly client: EtcdClient; readonly clusterId: MemberId; readonly member: MemberId; readonly members: readonly EtcdMember[] };
  readonly error?: EtcdError;
}

async function look(endpoint: string, tls: EtcdTls, signal: AbortSignal): Promise<Look> {
  const client = clientOf(endpoint, tls);
  try {
    const { clusterId, member } = await client.status({ signal });
    return { endpoint, answered: { client, clusterId, member, members: await client.members({ signal, stale: true }) } };
  } catch (error) {
    client.close();
    if (!(error instanceof EtcdError)) throw error;
    return { endpoint, error };
  }
}

interface Telling {
  readonly note: (title: string, detail?: string) => void;
  readonly signal: AbortSignal;
}

/** The members that etcd itself names, each by an endpoint of the file where one leads to it. */
function known(looks: readonly Look[], tls: EtcdTls, { note, signal }: Telling): readonly KnownMember[] {
  const answered = looks.flatMap(({ endpoint, answered: found }) => (found ? [{ endpoint, ...found }] : []));
  const [first] = answered;
  if (!first) throw nobodyAnswers(looks);
  const close = (all: typeof answered) => all.forEach(({ client }) => client.close());
  const other = answered.find(({ clusterId }) => clusterId !== first.clusterId);
  if (other) {
    close(answered);
    throw new KubekeepError('cluster-mismatch', `${first.endpoint} and ${other.endpoint} are of different etcd clusters (ids ${first.clusterId} and ${other.clusterId})`, { hint: 'Name the members of one cluster in spec.external.etcd.endpoints.' });
  }
  const ways = new Map<MemberId, EtcdClient>();
  // Two endpoints may lead to one member, as a name and its address do.
  for (const { member, client } of answered) {
    if (ways.has(member)) client.close();
    else ways.set(member, client);
  }
  const urls = first.members.flatMap(({ clientUrls }) => clientUrls);
  for (const { endpoint, error } of looks) {
    if (error && !urls.includes(endpoint)) note(`${endpoint} does not answer, and no member of etcd says that it is there`, error.message);
  }
  // As the file has them: a host's own comes first.
  const places = [...ways.keys()];
  const placeOf = ({ id }: EtcdMember) => (ways.has(id) ? places.indexOf(id) : places.length);
  return first.members.toSorted((one, member) => placeOf(one) - placeOf(member)).map((member) => {
    const client = ways.get(member.id);
    if (client) return { name: titleOf(member), connect: () => Promise.resolve(client) };
    const failed = looks.find(({ endpoint, error }) => error && member.clientUrls.includes(endpoint));
    if (!failed) note(`etcd has a member ${titleOf(member)} that the cluster file does not name; it is asked too`, member.clientUrls.join(', '));
    return { name: titleOf(member), connect: () => (failed ? Promise.reject(failed.error!) : connectUnnamed(member, tls, signal)) };
  });
}

/** At what the member says of itself, which may lead elsewhere from here. */
async function connectUnnamed(member: EtcdMember, tls: EtcdTls, signal: AbortSignal): Promise<EtcdClient> {
  const url = member.clientUrls.find((one) => one.startsWith('https://'));
  if (url === undefined) throw new EtcdError('unreachable', `etcd says of ${titleOf(member)} no address with TLS`);
  const client = clientOf(url, tls);
  try {
    const { member: there } = await client.status({ signal });
    if (there !== member.id) throw new EtcdError('unreachable', `another member answers at ${url}`);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

function clientOf(url: string, tls: EtcdTls): EtcdClient {
  const { hostname, port } = new URL(url);
  return connectEtcd({ host: hostname, port: Number(port || 443), tls });
}

/** A member that was added and never started has no name. */
function titleOf({ id, name }: EtcdMember): string {
  return name === '' ? `member ${id}` : name;
}

function nobodyAnswers(looks: readonly Look[]): KubekeepError {
  const reasons = looks.map(({ error }) => error!.message).join('; ');
  const untrusted = looks.some(({ error }) => error!.reason === 'untrusted');
  return new KubekeepError('etcd-failed', `no etcd member answers, so nothing can be backed up: ${reasons}`, {
    hint: untrusted ? 'Compare endpoints, ca, certificate and key of spec.external.etcd with those of the cluster.' : 'Compare spec.external.etcd.endpoints with what etcdctl member list says, and see whether this computer reaches them.',
    cause: looks[0]!.error,
  });
}

/** What lasts is said once, however often etcd is asked. */
function noteOnce({ progress }: ExternalOperation): Telling['note'] {
  const said = new Set<string>();
  return (title, detail) => {
    if (said.has(title)) return;
    said.add(title);
    progress({ type: 'note', title, ...(detail !== undefined && { detail }) });
  };
}

/** Made where there is none: nobody else has made one for this cluster. */
async function ownIdentity({ state, identityFile }: ExternalOperation): Promise<OwnIdentity> {
  if (identityFile !== undefined || (await readKept(state, 'identity')) !== undefined) return { identity: await readIdentity(state, identityFile) };
  const { identity } = await createIdentity();
  return { identity, keep: () => keepIdentity(state, identity, 'without it no backup of this cluster can be read.') };
}
