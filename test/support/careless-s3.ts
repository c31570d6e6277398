import { buffer } from 'node:stream/consumers';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as upstream } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import type { RealS3 } from './real-s3.ts';

export interface CarelessS3 extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Conditions that it did not obey. */
  readonly ignored: () => number;
}

/** A proxy in front of a real S3 server, for path-style addresses: it ignores If-None-Match, as servers do that do not know it. */
export async function carelessS3({ endpoint, ca, client }: Pick<RealS3, 'endpoint' | 'ca' | 'client'>): Promise<CarelessS3> {
  const trusted = await readFile(ca, 'utf8');
  let ignored = 0;
  /** The signature covers the condition, so what has one is put anew. */
  async function put(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, Bucket, Key] = /^\/([^/?]+)\/([^?]+)/.exec(decodeURIComponent(request.url!))!;
    const { ETag } = await client.putObject({ Bucket, Key, Body: await buffer(request) });
    ignored++;
    response.writeHead(200, { etag: ETag }).end();
  }
  // It is the name in `host` that was signed, and the real server does not care for it.
  function pass({ method, url, headers }: IncomingMessage, response: ServerResponse, body: Buffer): void {
    upstream(`${endpoint}${url}`, { method, headers, ca: trusted, servername: 'localhost' }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    }).on('error', () => response.destroy()).end(body);
  }
  const server = createServer((request, response) => {
    const done = request.headers['if-none-match'] === undefined ? buffer(request).then((body) => pass(request, response, body)) : put(request, response);
    done.catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ignored: () => ignored,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
