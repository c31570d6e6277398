import { InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import { runInteractive } from '../../hosts/run-interactive.ts';
import { duration } from '../../lib/duration.ts';
import { servePoint } from '../../operations/past/serve-point.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { pastName, pastPoint, pastPointWords } from '../past-point.ts';
import { utc } from '../text-table.ts';
import { withObjects } from './_objects.ts';
import { ownKubeconfig } from './_past-kubeconfig.ts';

interface Flags {
  readonly file: string;
  readonly hold?: number;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly encryptionConfig?: string;
}

/** `at`: a point of the past as a cluster to look at. */
export const addAt: AddCommand = (program, cli, exit) => {
  program
    .command('at')
    .argument('<point>', pastPointWords)
    .argument('[words...]', 'a command to run with that kubeconfig (after --), instead of waiting: its exit code is that of kubekeep')
    .description('Serve a point of the past to kubectl and other programs: the database of then in a real etcd and a real kube-apiserver on this computer, which nobody else can reach and which reach nothing. Nothing in it can be changed. Whoever has its kubeconfig can read all of it, Secrets too. All is gone after --hold or Ctrl-C. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .option('--hold <time>', 'end after so long: 90s, 30m, 2h (default: at Ctrl-C)', holdTime)
    .option('--context <name>', 'name of the context (default: CLUSTER@POINT)')
    .option('--kubeconfig <path>', 'add the context to this kubeconfig, and take it out again at the end (default: a file of its own)')
    .option('--encryption-config <path>', 'the EncryptionConfiguration that API servers had then, for a cluster that kubekeep did not build')
    .action(async (text: string, words: readonly string[], { hold, context, kubeconfig, ...flags }: Flags) => {
      await withObjects(cli, flags, async (open, operation) => {
        const { point } = await open.at(pastPoint(text, cli.clock.now()));
        const name = context ?? `${operation.cluster.name}@${pastName(text, point.time)}`;
        const own = kubeconfig === undefined ? undefined : await ownKubeconfig(resolve(kubeconfig), name);
        await using opened = new AsyncDisposableStack();
        const past = opened.use(await servePoint(operation, open, { point, name }));
        const path = kubeconfig === undefined ? past.path : resolve(kubeconfig);
        if (own) opened.use(await own.add(past));
        cli.progress({ type: 'done', title: `serving revision ${point.revision}`, step: 'at/serve' });
        if (words.length > 0) return exit(await Promise.race([runInteractive(['env', `KUBECONFIG=${past.path}`, ...words], cli.signal), past.ended]));
        const until = hold === undefined ? undefined : new Date(cli.clock.now() + hold).toISOString();
        const way = kubeconfig === undefined ? `export KUBECONFIG=${path}` : `kubectl --context ${name} get deploy -A`;
        cli.print({
          kind: 'Past',
          data: { revision: point.revision, time: new Date(point.time).toISOString(), context: name, kubeconfig: path, server: past.server, until },
          text: `${operation.cluster.name} as it was at revision ${point.revision}, ${utc(point.time)} UTC; nothing in it can be changed.\n  ${way}\nWhoever can read that file can read all of it, Secrets too. It is gone ${until === undefined ? 'after Ctrl-C' : `after Ctrl-C or at ${until}`}.`,
        });
        await Promise.race([untilEnd(cli, hold), past.ended]);
      });
    });
};

/** Ctrl-C is how it is meant to end. */
async function untilEnd({ clock, signal }: Pick<Cli, 'clock' | 'signal'>, hold: number | undefined): Promise<void> {
  if (signal.aborted) return;
  const asked = new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  await (hold === undefined ? asked : clock.sleep(hold, signal).catch(() => asked));
}

function holdTime(word: string): number {
  const time = duration(word);
  // A timer of Node has 31 bits.
  if (time !== undefined && time < 2 ** 31) return time;
  throw new InvalidArgumentError('A time to hold it is 90s, 30m, 2h or 3d, and at most 24d.');
}
