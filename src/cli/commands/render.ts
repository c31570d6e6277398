import { KubekeepError } from '../../lib/errors.ts';
import { renderedFiles, type RenderedHost } from '../../operations/rendered-files.ts';
import type { ShownFile } from '../../render/shown-file.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { textTable } from '../text-table.ts';
import { openOperation } from '../wire.ts';

/** `render`: every file that apply would put on a host, without putting it there. */
export const addRender: AddCommand = (program, cli) => {
  program
    .command('render')
    .description('List every file that apply would put on the hosts, or show one. Secrets and private keys are not shown; changes nothing.')
    .argument('[host]', 'a host of the cluster file (default: all)')
    .argument('[file]', 'a path, or the end of one: haproxy.cfg')
    .addOption(clusterFileOption())
    .action(async (host: string | undefined, file: string | undefined, { file: clusterFile }: { readonly file: string }) => {
      await using operation = await openOperation(cli, { file: clusterFile, connectTimeout: 2 });
      const known = operation.cluster.hosts.map(({ name }) => name);
      if (host !== undefined && !known.includes(host)) throw new KubekeepError('usage', `there is no host ${host} in ${clusterFile}`, { hint: `There are ${known.join(', ')}.` });
      const all = await renderedFiles(operation);
      const chosen = all.filter((one) => host === undefined || one.host === host);
      const hosts = file === undefined ? chosen : chosen.map((one) => ({ ...one, files: [chooseFile(one, file)] }));
      cli.print({ kind: 'RenderedFiles', data: { hosts }, text: file === undefined ? hosts.map(listText).join('\n\n') : hosts[0]!.files[0]!.content });
    });
};

function chooseFile({ host, files }: RenderedHost, word: string): ShownFile {
  const found = files.filter(({ path }) => path === word || path.endsWith(`/${word}`));
  const exact = found.find(({ path }) => path === word);
  const [first, ...others] = exact ? [exact] : found;
  if (!first) throw new KubekeepError('usage', `there is no file ${word} on ${host}`, { hint: `kubekeep render ${host} lists the files.` });
  if (others.length > 0) throw new KubekeepError('usage', `several files on ${host} end with ${word}: ${found.map(({ path }) => path).join(', ')}`, { hint: 'Give more of the path.' });
  return first;
}

function listText({ host, files }: RenderedHost): string {
  const rows = files.map(({ path, mode, owner, kind, components }) => [path, mode, owner, kind === 'file' ? '' : kind, components.join(', ')]);
  return `${host}\n${textTable([['PATH', 'MODE', 'OWNER', '', 'FOR'], ...rows]).replaceAll(/^/gm, '  ')}`;
}
