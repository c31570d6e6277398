import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostSpec } from '../../cluster/cluster.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { toKubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { authorityNames } from '../../pki/authorities.ts';
import { apiThroughVip } from '../api-through-vip.ts';
import type { Look } from '../history/record.ts';
import type { ProbePlan } from '../probes/probe-plan.ts';
import { countOf, countText } from '../report/figure-text.ts';
import type { Stage } from '../stage.ts';
import { hintsFile, searchFolder, searchProgram, searchScript } from './_search-program.ts';
import { hintsOf, needlesOf, seenIn, type Needle } from './needles.ts';
import { watchOwnProcesses } from './watch-own-processes.ts';

export interface SecretWatch {
  /** Searches what the run left on every host and on this computer, and takes away what the watch has put there. The second time it only says the same again. */
  stop(): Promise<readonly Omit<Look, 'at'>[]>;
}

const unit = 'kubekeep-drill-secrets.service';
/** Holds the mark while files are searched. */
const markFile = '/var/tmp/kubekeep-drill-mark';

/**
 * Watches for the secrets that a drill knows: the cluster's, the prober's key, and the value of a Secret that it writes. Processes are watched during the run;
 * journals and every file that changed meanwhile are searched at its end, etcd's data too: the places where keys belong are left out. A host is told the first
 * characters of pieces of the secrets and sends back what follows them. A mark that is no secret lies in each kind of place: a search that does not find it is blind.
 */
export async function watchForSecrets(stage: Stage, plan: ProbePlan, folder: string): Promise<SecretWatch> {
  const { cluster, hosts, clock } = stage.operation;
  const since = Math.floor(clock.now() / 1000) - 1;
  const mark = randomBytes(12).toString('hex');
  const value = randomBytes(36).toString('base64');
  const needles = [...clusterNeedles(stage), ...needlesOf('the key of the prober', plan.key.reveal()), ...needlesOf('the value of a Secret', value)];
  const hints = hintsOf([...needles, { name: 'the mark', text: mark }]);
  const install = (name: string) => hosts.get(name)!.write([{ path: searchScript, mode: 0o600, content: searchProgram }, { path: hintsFile, mode: 0o600, content: `${hints.join('\n')}\n` }]);
  await apiThroughVip(stage, (api) => api.post(`/api/v1/namespaces/${plan.namespace}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'seen' }, stringData: { value } }));
  await parallel(cluster.hosts, async ({ name }) => {
    await install(name);
    expectSuccess(await hosts.get(name)!.run(watchScript(mark)), 'watching processes');
  });
  const own = watchOwnProcesses(needles, mark);
  const end = async () => {
    const looks = await parallel(cluster.hosts, (host) => look(host.name, async () => {
      // Where the power was cut, it is not there any more.
      await install(host.name);
      const { stdout } = expectSuccess(await hosts.get(host.name)!.run(endScript(mark, since), { timeout: 120_000 }), 'searching for secrets');
      return parseSearch(stdout, needles, mark);
    }));
    const { found, looks: times, sawMark } = await own.stop();
    const here = await look('this computer', async () => {
      const files = await filesOf(stage, folder);
      const shown = files.flatMap(({ path, text }) => seenIn(text, needles).map((name) => `${path}: ${name}`));
      return { through: `${countOf(times, 'look')} at processes, ${countOf(files.length, 'file')}`, found: [...found, ...shown], ...(!sawMark && { error: 'the mark among the processes was not seen' }) };
    });
    return [...looks, here];
  };
  let ended: ReturnType<typeof end> | undefined;
  return { stop: () => (ended ??= end()) };
}

function clusterNeedles({ secrets }: Pick<Stage, 'secrets'>): Needle[] {
  return [
    ...authorityNames.flatMap((name) => needlesOf(`the CA ${name}`, secrets.authorities[name].privateKey.reveal())),
    ...needlesOf('the key of the service accounts', secrets.serviceAccountKey.reveal()),
    ...needlesOf('the encryption key', secrets.encryptionKey.reveal()),
  ];
}

async function look(place: HostSpec['name'], search: () => Promise<Pick<Look, 'through' | 'found' | 'error'>>): Promise<Omit<Look, 'at'>> {
  try {
    return { kind: 'look', about: 'secrets', place, ...(await search()) };
  } catch (caught) {
    return { kind: 'look', about: 'secrets', place, through: 'nothing', found: [], error: toKubekeepError(caught).message };
  }
}

/**
 * What the program printed, without what was there by chance: names of places and secrets.
 * @internal also for tests
 */
export function parseSearch(output: string, needles: readonly Needle[], mark: string): Pick<Look, 'through' | 'found' | 'error'> {
  const lines = output.split('\n').map((line) => line.split('\t'));
  const pieces = lines.filter(([what]) => what !== 'looks' && what !== 'read').flatMap(([place, piece]) => (piece === undefined ? [] : [{ place: place!, piece }]));
  const marked = pieces.filter(({ piece }) => piece === mark).map(({ place }) => place);
  const unmarked = [['processes', /^arguments of /], ['the journal', /^the journal$/], ['files', new RegExp(`^${markFile}$`)]] as const;
  const blind = unmarked.filter(([, place]) => !marked.some((one) => place.test(one))).map(([what]) => what);
  const found = pieces.flatMap(({ place, piece }) => needles.filter(({ text }) => text === piece).map(({ name }) => `${place}: ${name}`));
  const looks = lines.filter(([what]) => what === 'looks').reduce((sum, [, count]) => sum + Number(count), 0);
  const read = lines.filter(([what]) => what === 'read').map(([, what, bytes]) => `${countText(Math.ceil(Number(bytes) / 1000))} kB of ${what}`);
  return { through: [`${countOf(looks, 'look')} at processes`, ...read].join(', '), found: [...new Set(found)], ...(blind.length > 0 && { error: `the mark in ${blind.join(' and ')} was not found` }) };
}

function watchScript(mark: string): string {
  return `systemctl stop ${unit} 2>/dev/null; rm -f ${searchFolder}/seen
systemd-run --quiet --collect --unit=${unit} -p RuntimeMaxSec=1800 -p Nice=10 -p StandardOutput=append:${searchFolder}/seen perl ${searchScript} watch ${mark}`;
}

/** The places where the cluster's keys belong are not searched, nor the journal's own files, which may be packed. */
function endScript(mark: string, since: number): string {
  const search = `perl ${searchScript}`;
  return `systemctl stop ${unit} 2>/dev/null
cat ${searchFolder}/seen 2>/dev/null
${search} once ${mark}
logger -t kubekeep-drill ${mark}; journalctl --sync
journalctl --no-pager -m -o export --since=@${since} | ${search} text 'the journal'
(umask 077; echo ${mark} > ${markFile})
find /etc /home /opt /root /run /srv /tmp /var /dev/shm -xdev \\( -path /etc/kubernetes -o -path /run/credentials -o -path /var/log/journal -o -path /run/log/journal -o -path ${searchFolder} \\) -prune -o -type f -newermt @${since} -print0 2>/dev/null | ${search} files
rm -rf ${searchFolder} ${markFile}`;
}

/** kubekeep's journal and what this run has written so far. */
async function filesOf({ operation: { state } }: Stage, folder: string): Promise<{ readonly path: string; readonly text: string }[]> {
  const inFolder = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
  const read = await parallel([state.journal, ...inFolder], async (path) => ({ path, text: await readFile(path, 'utf8').catch(() => undefined) }));
  return read.flatMap(({ path, text }) => (text === undefined ? [] : [{ path, text }]));
}
