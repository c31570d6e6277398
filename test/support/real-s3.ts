import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { readEnvironment } from '../../src/cli/env.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createAuthority } from '../../src/pki/authorities.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';
import { freePorts } from './free-ports.ts';

/** Debian's own radosgw in front of a Ceph of one monitor and one OSD, which keeps all in memory. */
export interface RealS3 extends AsyncDisposable {
  /** `https://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Path of the certificate of the authority that issued the endpoint's. */
  readonly ca: string;
  /** As variables for the environment: of the owner of all buckets, and of a user who owns none. */
  readonly owner: S3Login;
  readonly stranger: S3Login;
  /** To make buckets and to look into them. */
  readonly client: S3;
}

export interface S3Login {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
}

const owner: S3Login = { AWS_ACCESS_KEY_ID: 'AKOWNER', AWS_SECRET_ACCESS_KEY: 'canary-owner-5d0c' };
const stranger: S3Login = { AWS_ACCESS_KEY_ID: 'AKSTRANGER', AWS_SECRET_ACCESS_KEY: 'canary-stranger-5d0c' };

/** Needs root. Its first use on a computer makes the root folder that it runs in, from Debian's packages, which takes a minute or two; each start takes some 20 s. `addresses`: more of those that its certificate is for. */
export async function realS3(addresses: readonly string[] = []): Promise<RealS3> {
  const { cacheFolder } = readEnvironment();
  const root = await ensureImage({ release: 'bookworm', packages: ['radosgw', 'ceph-mon', 'ceph-osd'], cacheFolder, progress: ({ title }) => process.stderr.write(`${title}\n`), clock: systemClock });
  const folder = await mkdtemp(join(tmpdir(), 'kubekeep-s3-'));
  const now = Date.now();
  const authority = await createAuthority('etcd', 's3', now);
  const leaf = await issueLeaf({ name: 's3', authority: 'etcd', commonName: 's3', organizations: [], usages: ['server'], dnsNames: ['localhost'], addresses: ['127.0.0.1', ...addresses] }, authority, { now });
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, authority.certificate);
  await writeFile(join(folder, 'server.pem'), leaf.certificate);
  await writeFile(join(folder, 'server.key'), leaf.privateKey.reveal(), { mode: 0o600 });
  const [monitor = 0, port = 0] = await freePorts(2);
  const server = startServer({ root, folder, monitor, port });
  const endpoint = `https://127.0.0.1:${port}`;
  const client = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: owner.AWS_ACCESS_KEY_ID, secretAccessKey: owner.AWS_SECRET_ACCESS_KEY }, requestHandler: { httpsAgent: { ca: authority.certificate } } });
  const stop = async () => {
    client.destroy();
    await server.stop();
  };
  try {
    await answers(client, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, ca, owner, stranger, client, [Symbol.asyncDispose]: stop };
}

interface Server {
  readonly process: ChildProcess;
  readonly said: () => string;
  stop(): Promise<void>;
}

/**
 * In mount and process namespaces of its own: when its first process ends, all of it is gone. That one ends when its standard input does, so with this program, however that ends; and the folder goes
 * with it. The root folder stays as it is: what is written lies in memory above it.
 */
function startServer({ root, folder, monitor, port }: { readonly root: string; readonly folder: string; readonly monitor: number; readonly port: number }): Server {
  const inside = ['--mount', '--pid', '--fork', 'sh', '-euc', prepareScript, 'sh', root, folder, String(monitor), String(port), runScript];
  const child = spawn('sh', ['-c', 'folder=$1; shift; unshare "$@"; rm -rf "$folder"', 'sh', folder, ...inside], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const ended = once(child, 'close');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-2000)));
  return { process: child, said: () => said, stop: async () => void (child.stdin.end(), await ended) };
}

const prepareScript = `
root=$1 folder=$2 monitor=$3 port=$4
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
for path in run tmp var/lib/ceph var/log etc/ceph; do mount -t tmpfs -o mode=0700 tmpfs "$root/$path"; done
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp "$folder/server.pem" "$folder/server.key" "$root/etc/ceph/"
cat > "$root/etc/ceph/ceph.conf" <<CONF
[global]
fsid = 11111111-2222-4333-8444-555555555555
mon host = v2:127.0.0.1:$monitor
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
[client]
keyring = /etc/ceph/ceph.client.admin.keyring
rgw frontends = beast ssl_endpoint=127.0.0.1:$port ssl_certificate=/etc/ceph/server.pem ssl_private_key=/etc/ceph/server.key tcp_nodelay=1
CONF
exec chroot "$root" sh -euc "$5" sh "$monitor"
`;

const runScript = `
start() {
cd /tmp
mkdir -p /var/lib/ceph/mon/ceph-a /var/lib/ceph/osd/ceph-0 /run/ceph
admin=/etc/ceph/ceph.client.admin.keyring
ceph-authtool --create-keyring monitor --gen-key --name mon. --cap mon 'allow *'
ceph-authtool --create-keyring $admin --gen-key --name client.admin --cap mon 'allow *' --cap osd 'allow *'
ceph-authtool monitor --import-keyring $admin
monmaptool --create --fsid 11111111-2222-4333-8444-555555555555 --addv a "[v2:127.0.0.1:$1]" map
ceph-mon --mkfs --id a --keyring monitor --monmap map
ceph-mon -f --id a > /var/log/mon 2>&1 &
ceph auth get-or-create osd.0 mon 'allow profile osd' osd 'allow *' -o /var/lib/ceph/osd/ceph-0/keyring
id=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$id"
ceph-osd --mkfs --id 0 --osd-uuid "$id"
ceph-osd -f --id 0 > /var/log/osd 2>&1 &
radosgw-admin user create --uid owner --display-name owner --access-key ${owner.AWS_ACCESS_KEY_ID} --secret-key ${owner.AWS_SECRET_ACCESS_KEY} > /dev/null
radosgw-admin user create --uid stranger --display-name stranger --access-key ${stranger.AWS_ACCESS_KEY_ID} --secret-key ${stranger.AWS_SECRET_ACCESS_KEY} > /dev/null
exec radosgw -f --name client.admin 2>&1
}
start "$1" &
cat > /dev/null
`;

async function answers(client: S3, { process: child, said }: Server): Promise<void> {
  for (const end = performance.now() + 120_000; ; ) {
    const answer = await client.listBuckets().catch((error: Error) => error);
    if (!(answer instanceof Error)) return;
    if (child.exitCode !== null || performance.now() > end) throw new Error(`the S3 server does not answer: ${answer.message}\n${said()}`);
    await systemClock.sleep(200);
  }
}
