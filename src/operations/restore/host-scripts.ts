import { quote } from '../../hosts/quote.ts';
import { configFolder, etcdDataFolder, keeperUnit, pkiFolder, restoredNote, restoringNote, stateFolder, unitFolder } from '../../render/paths.ts';
import { lockGuard } from '../lock.ts';

/** What clients meet first goes first. */
const closed = ['kubekeep-keepalived.service', 'kubekeep-lb-alive.service', 'kubekeep-vip-guard.service', 'kubekeep-haproxy.service', 'kube-controller-manager.service', 'kube-scheduler.service', keeperUnit];

/**
 * Notes that a restore was begun, then takes the cluster away from its clients. Nothing of it starts at boot until it is opened again: a power cut in the middle must not
 * bring back the old state on some hosts. The API server's drain would wait for clients that are cut off all the same.
 */
export function closeScript(token: string, record: string): string {
  return `${lockGuard(token)}
${noteLines(record)}
U=
for u in ${[...closed, 'kube-apiserver.service', 'etcd.service'].join(' ')}; do [ -f ${unitFolder}/$u ] && U="$U $u"; done
[ -z "$U" ] || systemctl disable -q $U || exit 1
for u in ${closed.join(' ')}; do case $U in *" $u"*) timeout 60 systemctl stop $u || exit 1;; esac; done
case $U in *kube-apiserver*) systemctl stop --no-block kube-apiserver.service; systemctl kill -s KILL kube-apiserver.service 2>/dev/null; timeout 60 systemctl stop kube-apiserver.service || exit 1;; esac
true`;
}

/** The record of the restore, durable. */
export function noteScript(token: string, record: string): string {
  return `${lockGuard(token)}\n${noteLines(record)}`;
}

function noteLines(record: string): string {
  return `mkdir -p -m 0755 ${stateFolder} || exit 1
printf %s ${quote(record)} > ${restoringNote}.new && sync ${restoringNote}.new && mv -f ${restoringNote}.new ${restoringNote} && sync ${stateFolder} || exit 1`;
}

/** Behind the API servers of all hosts, so that what is kept is all that was acknowledged. */
export function stopEtcdScript(token: string): string {
  return `${lockGuard(token)}
[ ! -f ${unitFolder}/etcd.service ] || timeout 120 systemctl stop etcd.service || exit 1
! systemctl is-active -q etcd.service`;
}

export interface MadeData {
  readonly token: string;
  readonly id: string;
  readonly etcdutl: string;
  readonly snapshot: string;
  readonly name: string;
  readonly peerUrl: string;
  /** As etcd wants it: `cp1=https://…,cp2=https://…`. */
  readonly initialCluster: string;
  readonly bump: number;
}

/** Makes the member's data of the snapshot, durable, beside where etcd looks; the old data may be in use. Only its own files are synced: the snapshot need never reach the disk. */
export function makeDataScript({ token, id, etcdutl, snapshot, name, peerUrl, initialCluster, bump }: MadeData): string {
  return `${lockGuard(token)}
${placeLines(id)}
rm -rf "$W" || exit 1
${etcdutl} snapshot restore ${snapshot} --data-dir "$W" --name ${quote(name)} --initial-cluster ${quote(initialCluster)} --initial-cluster-token ${id} --initial-advertise-peer-urls ${quote(peerUrl)} --bump-revision ${bump} --mark-compacted >&2 || exit 1
rm -f ${snapshot}
chown -R etcd:etcd "$W" && find "$W/member" -exec sync {} + && echo ${id} > "$W/of" || exit 1`;
}

/**
 * Puts data that was made where etcd looks, the old data beside it. Cut anywhere both are done again, on all hosts with one and the same snapshot: once it is noted that old data is kept, what stands in its
 * place is of this restore and is replaced.
 */
export function placeDataScript({ token, id }: Pick<MadeData, 'token' | 'id'>): string {
  const member = `${etcdDataFolder}/member`;
  return `${lockGuard(token)}
! systemctl is-active -q etcd.service || { echo "etcd runs" >&2; exit 1; }
${placeLines(id)}
grep -qsx ${id} "$W/of" || { echo "no data was made" >&2; exit 1; }
mkdir -p -m 0700 ${etcdDataFolder} && chown etcd:etcd ${etcdDataFolder} || exit 1
if [ ! -e "$K/complete" ]; then
  mkdir -p -m 0700 "$K" || exit 1
  [ -d "$K/member" ] || [ ! -d ${member} ] || mv -T ${member} "$K/member" || exit 1
  sync "$K" ${etcdDataFolder} && : > "$K/complete" && sync "$K" || exit 1
fi
rm -rf ${member} && mv -T "$W/member" ${member} && rm -rf "$W" && sync ${etcdDataFolder} || exit 1
[ -s ${stateFolder}/formed ] || date -u +%FT%TZ > ${stateFolder}/formed || exit 1
echo ${id} > ${restoredNote} && sync ${restoredNote} ${stateFolder}/formed ${stateFolder} || exit 1
[ ! -d "$K/member" ] || echo "kept $K"`;
}

/** K: where data before a restore is kept, W: where new data is made; a file system that is mounted for etcd's data holds both. */
function placeLines(id: string): string {
  return `if mountpoint -q ${etcdDataFolder}; then K=${etcdDataFolder}/before-restore-${id} W=${etcdDataFolder}/restoring; else K=${etcdDataFolder}.before-restore-${id} W=${etcdDataFolder}.restoring; fi`;
}

/**
 * What a host says of its etcd's data, one line each: free bytes where it lies, the revision of the data of an etcd that is stopped, and of the data that was kept before restore `undoes`. The last revisions
 * may stand in the write-ahead log only: the numbers are close, not exact.
 */
export function lookScript(etcdutl: string, undoes: string | undefined): string {
  return `D=${etcdDataFolder}; [ -d $D ] || D=$(dirname $D)
echo "free $(df -B1 --output=avail $D | tail -n 1)"
look() { [ ! -f "$2/member/snap/db" ] || echo "$1 $(timeout 60 ${etcdutl} snapshot status "$2/member/snap/db" -w json 2>/dev/null | sed -n 's/.*"revision":\\([0-9]*\\).*/\\1/p')"; }
if [ -x ${etcdutl} ]; then
  systemctl is-active -q etcd.service || look now ${etcdDataFolder}
  ${undoes === undefined ? '' : `${placeLines(undoes)}\n  look kept "$K"`}
fi
true`;
}

const scratchUnit = 'kubekeep-roll-back.service';
/** Ports of the etcd that reads kept data, on loopback: not those of the cluster, for which it must not be taken when it was left behind. */
export const scratchPort = 12379;
const scratchPeer = 'http://127.0.0.1:12380';

/**
 * Starts an etcd of one member on a copy of the data that was kept before a restore, reachable on this host only, to ask it for a snapshot: so what stands in the write-ahead log alone is there too.
 */
export function serveKeptScript(token: string, { id, etcd, name }: { readonly id: string; readonly etcd: string; readonly name: string }): string {
  const config = `name: ${name}
data-dir: @W@
force-new-cluster: true
listen-peer-urls: ${scratchPeer}
initial-advertise-peer-urls: ${scratchPeer}
initial-cluster: ${name}=${scratchPeer}
listen-client-urls: https://127.0.0.1:${scratchPort}
advertise-client-urls: https://127.0.0.1:${scratchPort}
quota-backend-bytes: 100000000000
log-outputs: [stderr]
client-transport-security: {cert-file: ${pkiFolder}/etcd/server.crt, key-file: ${pkiFolder}/etcd/server.key, trusted-ca-file: ${pkiFolder}/etcd/ca.crt, client-cert-auth: true}
`;
  return `${lockGuard(token)}
systemctl stop ${scratchUnit} 2>/dev/null; systemctl reset-failed ${scratchUnit} 2>/dev/null
! systemctl is-active -q etcd.service || { echo "etcd runs" >&2; exit 1; }
${placeLines(id)}
[ -d "$K/member" ] || K=${etcdDataFolder}
rm -rf "$W" && mkdir -p -m 0700 "$W" && cp -a --reflink=auto "$K/member" "$W/member" || exit 1
printf %s ${quote(config)} | sed "s#@W@#$W#" > ${configFolder}/roll-back.yaml || exit 1
systemd-run -q --unit ${scratchUnit} -p Type=notify -p TimeoutStartSec=120 ${etcd} --config-file ${configFolder}/roll-back.yaml >&2 8>&-`;
}

export function endServingScript(token: string, id: string): string {
  return `${lockGuard(token)}
systemctl stop ${scratchUnit} 2>/dev/null; rm -f ${configFolder}/roll-back.yaml
${placeLines(id)}
rm -rf "$W"`;
}

/** Whoever caches what the API said asks anew. */
export const restartKubeletScript = 'systemctl try-restart kubelet.service 2>/dev/null; true';

/** No snapshot stays behind in clear text, nor what was made of one, of whatever run. */
export function discardScript(token: string): string {
  return `${lockGuard(token)}\nrm -rf ${etcdDataFolder}.restoring ${etcdDataFolder}/restoring && rm -f ${stateFolder}/restore-*.db*`;
}

/** The last thing of a restore. */
export function forgetScript(token: string): string {
  return `${discardScript(token)} ${restoringNote} && sync ${stateFolder}`;
}
