import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveFiles } from '../../test/support/file-server.ts';
import { etcdProgram, kubernetesProgram } from '../../test/support/programs.ts';
import { publishedSum } from './published-sum.ts';
import { releaseFile } from './release-files.ts';

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
const etcd = '/v3.7.3/SHA256SUMS';
const kubectl = '/v1.37.2/bin/linux/amd64/kubectl.sha256';

const cases: readonly { readonly what: string; readonly program: 'etcd' | 'kubectl'; readonly text: string; readonly sum: string | undefined }[] = [
  { what: 'a list', program: 'etcd', text: `${a}  etcd-v3.7.3-darwin-amd64.zip\n${b}  etcd-v3.7.3-linux-amd64.tar.gz\n`, sum: b },
  { what: 'a list of binary files', program: 'etcd', text: `${b} *./etcd-v3.7.3-linux-amd64.tar.gz\n`, sum: b },
  { what: 'a list without the file', program: 'etcd', text: `${a}  etcd-v3.7.3-linux-amd64.tar.gz.asc\n`, sum: undefined },
  { what: 'a lone sum', program: 'kubectl', text: a, sum: a },
  { what: 'a lone sum with a line end', program: 'kubectl', text: `${a}\n`, sum: a },
  { what: 'a web page', program: 'kubectl', text: '<html>not found</html>', sum: undefined },
  { what: 'a sum that is too short', program: 'kubectl', text: a.slice(1), sum: undefined },
  { what: 'nothing', program: 'kubectl', text: '', sum: undefined },
];
for (const { what, program, text, sum } of cases) {
  test(`in ${what} ${sum ? 'the published sum is found' : 'there is no sum'}`, async (t) => {
    const { address } = await serveFiles(t, { [etcd]: text, [kubectl]: text });
    const wanted = program === 'etcd' ? etcdProgram('etcd') : kubernetesProgram('kubectl');
    assert.equal(await publishedSum(releaseFile(wanted, address)), sum);
  });
}

test('a project that publishes no sum is told from a server that does not answer', async (t) => {
  const { address } = await serveFiles(t, {});
  assert.equal(await publishedSum(releaseFile(kubernetesProgram('kubectl'), address)), undefined);
  await assert.rejects(publishedSum(releaseFile(kubernetesProgram('kubectl'), 'http://127.0.0.1:1')));
});
