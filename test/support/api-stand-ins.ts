import { createServer, type Server } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../src/hosts/host.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { createSecrets, type ClusterSecrets } from '../../src/pki/secrets.ts';

/** What the API server of a host does: nothing answers, it says that it is not ready, or it is, answers each path (without what follows a `?`) with an object, and takes what is sent to the others. */
export type ApiStandIn = 'dead' | 'not ready' | Readonly<Record<string, object>>;

/** Whose TLS is judged by the real clock. */
const now = Date.now();
const secrets = await createSecrets('prod', now);

export interface ApiStandIns extends Disposable {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly secrets: ClusterSecrets;
  /** "HOST /path", in the order in which it was asked. */
  readonly asked: readonly string[];
}

/** Hosts on which nothing can be done but to reach their API servers. */
export async function apiStandIns(servers: Readonly<Record<string, ApiStandIn>>): Promise<ApiStandIns> {
  const folder = mkdtempSync(join(tmpdir(), 'kubekeep-apis-'));
  const { certificate, privateKey } = await issueLeaf({ name: 'apiserver', authority: 'kubernetes', commonName: 'kube-apiserver', organizations: [], dnsNames: ['kubernetes'], addresses: [], usages: ['server'] }, secrets.authorities.kubernetes, { now, days: 1 });
  const asked: string[] = [];
  const running: Server[] = [];
  const hosts = new Map<string, Host>();
  for (const [name, does] of Object.entries(servers)) {
    const path = join(folder, name);
    hosts.set(name, { name, forward: async () => path } as unknown as Host);
    if (does === 'dead') continue;
    const server = createServer({ cert: certificate, key: privateKey.reveal() }, (request, response) => {
      const [wanted] = request.url!.split('?') as [string];
      asked.push(`${name} ${wanted}`);
      if (does === 'not ready') return response.writeHead(500, { 'Content-Type': 'text/plain' }).end('[-]etcd failed: reason withheld\n');
      const answer = does[wanted] ?? (wanted === '/readyz' || request.method !== 'GET' ? {} : undefined);
      return response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    running.push(server);
  }
  return {
    hosts,
    secrets,
    asked,
    [Symbol.dispose]() {
      for (const server of running) server.close().closeAllConnections();
      rmSync(folder, { recursive: true });
    },
  };
}
