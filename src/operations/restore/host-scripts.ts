import { quote } from '../../hosts/quote.ts';
import { configFolder, endedNote, etcdDataFolder, keeperUnit, pkiFolder, restoredNote, restoringNote, stateFolder, unitFolder } from '../../render/paths.ts';
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

/**
 * Before data is made anew for a restore that was begun: removes what the attempt before has made or put in place, which nobody has written to, so that there is room. etcd, which may run on it, would
 * make itself data of nothing at boot, and is disabled.
 */
export function clearAttemptScript(token: string, id: string): string {
  return `${lockGuard(token)}
${placeLines(id)}
${finalLine(id)}
rm -rf "$W" || exit 1
[ ! -e "$K/complete" ] || { { [ ! -f ${unitFolder}/etcd.service ] || { systemctl disable -q etcd.service && timeout 120 systemctl stop etcd.service; }; } && rm -rf ${etcdDataFolder}/member; }`;
}

export interface MadeData {
  readonly token: string;
  readonly id: string;
  /** The restore's id and its attempt: what the data is of. */
  readonly attempt: string;
  readonly etcdutl: string;
  readonly snapshot: string;
  readonly name: string;
  readonly peerUrl: string;
  /** As etcd wants it: `cp1=https://…,cp2=https://…`. */
  readonly initialCluster: string;
  readonly bump: number;
}

/** Makes the member's data of the snapshot, durable, beside where etcd looks; the old data may be in use. Only its own files are synced: the snapshot need never reach the disk. */
export function makeDataScript({ token, id, attempt, etcdutl, snapshot, name, peerUrl, initialCluster, bump }: MadeData): string {
  return `${lockGuard(token)}
${placeLines(id)}
${finalLine(id)}
rm -rf "$W" || exit 1
${etcdutl} snapshot restore ${snapshot} --data-dir "$W" --name ${quote(name)} --initial-cluster ${quote(initialCluster)} --initial-cluster-token ${attempt} --initial-advertise-peer-urls ${quote(peerUrl)} --bump-revision ${bump} --mark-compacted >&2 || exit 1
rm -f ${snapshot}
chown -R etcd:etcd "$W" && find "$W/member" -exec sync {} + && echo ${attempt} > "$W/of" || exit 1`;
}

/**
 * Puts data that was made where etcd looks, the old data beside it. Cut anywhere both are done again, on all hosts with one and the same snapshot: once it is noted that old data is kept, what stands in its
 * place is of this restore and is replaced: unless it was opened, or is undone by another one, since what stands there then is what clients wrote. `undoes`: the restore for which that is so from now on.
 */
export function placeDataScript({ token, id, attempt, undoes }: Pick<MadeData, 'token' | 'id' | 'attempt'> & { readonly undoes: string | undefined }): string {
  const member = `${etcdDataFolder}/member`;
  return `${lockGuard(token)}
! systemctl is-active -q etcd.service || { echo "etcd runs" >&2; exit 1; }
${undoes === undefined ? '' : `${placeLines(undoes)}\n${finalLines}\n`}${placeLines(id)}
${finalLine(id)}
grep -qsxF ${attempt} "$W/of" || { echo "no data was made" >&2; exit 1; }
mkdir -p -m 0700 ${etcdDataFolder} && chown etcd:etcd ${etcdDataFolder} || exit 1
if [ ! -e "$K/complete" ]; then
  mkdir -p -m 0700 "$K" || exit 1
  [ -d "$K/member" ] || [ ! -d ${member} ] || mv -T ${member} "$K/member" || exit 1
  sync "$K" ${etcdDataFolder} && : > "$K/complete" && sync "$K" || exit 1
fi
rm -rf ${member} && mv -T "$W/member" ${member} && rm -rf "$W" && sync ${etcdDataFolder} || exit 1
[ -s ${stateFolder}/formed ] || date -u +%FT%TZ > ${stateFolder}/formed || exit 1
echo ${attempt} > ${restoredNote} && sync ${restoredNote} ${stateFolder}/formed ${stateFolder} || exit 1
[ ! -d "$K/member" ] || echo "kept $K"`;
}

/** On every host that has replaced its data, once all have noted that the restore is opened. */
export function finalScript(token: string, id: string): string {
  return `${lockGuard(token)}\n${placeLines(id)}\n${finalLines}`;
}

/** Nothing is replaced by the restore of K any more, whatever a note of it says. */
const finalLines = `[ ! -d "$K" ] || { : > "$K/final" && sync "$K/final" "$K"; } || exit 1`;

function finalLine(id: string): string {
  return `[ ! -e "$K/final" ] || { echo "restore ${id} was opened here, or undone: what clients wrote since is not replaced" >&2; exit 1; }`;
}

/** K: where data before a restore is kept, W: where new data is made; a file system that is mounted for etcd's data holds both. */
function placeLines(id: string): string {
  return `if mountpoint -q ${etcdDataFolder}; then K=${etcdDataFolder}/before-restore-${id} W=${etcdDataFolder}/restoring; else K=${etcdDataFolder}.before-restore-${id} W=${etcdDataFolder}.restoring; fi`;
}

export interface Looking {
  readonly etcdutl: string;
  /** The restore that was begun and goes on. */
  readonly begun: string | undefined;
  readonly undoes: string | undefined;
}

/**
 * What a host says of its etcd's data, one line each: free bytes where it lies, and those that are freed when what was begun goes on; whether that is never replaced again; revision and bytes of the data of
 * an etcd that is stopped, and of the data that was kept before restore `undoes`. The last revisions may stand in the write-ahead log only: the numbers are close, not exact.
 */
export function lookScript({ etcdutl, begun, undoes }: Looking): string {
  return `D=${etcdDataFolder}; [ -d $D ] || D=$(dirname $D)
echo "free $(df -B1 --output=avail $D | tail -n 1)"
look() { [ ! -f "$2/member/snap/db" ] || echo "$1 $(timeout 60 ${etcdutl} snapshot status "$2/member/snap/db" -w json 2>/dev/null | sed -n 's/.*"revision":\\([0-9]*\\).*/\\1/p') $(stat -c %s "$2/member/snap/db")"; }
${begun === undefined ? '' : `${placeLines(begun)}
M=; [ ! -e "$K/complete" ] || M=${etcdDataFolder}/member
echo "replaced $(du -scB1 "$W" $M 2>/dev/null | sed -n 's/\ttotal$//p')"
[ ! -e "$K/final" ] || echo final`}
if [ -x ${etcdutl} ]; then
  systemctl is-active -q etcd.service || look now ${etcdDataFolder}
  ${undoes === undefined ? '' : `${keptLines(undoes, begun)}\n  look kept "$K"`}
fi
true`;
}

/** K: the data of before restore `undoes`. A host on which that replaced nothing keeps it where the roll-back that was begun has put it. */
function keptLines(undoes: string, begun: string | undefined): string {
  return begun === undefined ? placeLines(undoes) : `${placeLines(undoes)}; B=$K; ${placeLines(begun)}; [ ! -d "$B" ] || K=$B`;
}

const scratchUnit = 'kubekeep-roll-back.service';
/** Ports of the etcd that reads kept data, on loopback: not those of the cluster, for which it must not be taken when it was left behind. */
export const scratchPort = 12379;
const scratchPeer = 'http://127.0.0.1:12380';

/**
 * Starts an etcd of one member on a copy of the data that was kept before a restore, reachable on this host only, to ask it for a snapshot: so what stands in the write-ahead log alone is there too.
 */
export function serveKeptScript(token: string, { id, undoes, etcd, name }: { readonly id: string; readonly undoes: string; readonly etcd: string; readonly name: string }): string {
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
${keptLines(undoes, id)}
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

/** The last thing of a restore; `ended` are the ids of what is over. */
export function forgetScript(token: string, ended: readonly string[]): string {
  return `${discardScript(token)} || exit 1\n${endLines(ended)}`;
}

/** For a host that was away when restores ended. */
export function endScript(token: string, ended: readonly string[]): string {
  return `${lockGuard(token)}\n${endLines(ended)}`;
}

/** That it is over is durable before the note goes. */
function endLines(ended: readonly string[]): string {
  return `{ cat ${endedNote} 2>/dev/null; printf '%s\\n' ${ended.map(quote).join(' ')}; } | sort -u > ${endedNote}.new && sync ${endedNote}.new && mv -f ${endedNote}.new ${endedNote} && sync ${stateFolder} && rm -f ${restoringNote} && sync ${stateFolder}`;
}
