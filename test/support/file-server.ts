import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface FileServer {
  readonly address: string;
  /** `METHOD PATH` and, where there is one, the Range header of every request so far. */
  readonly requests: string[];
}

/** How one request is answered; undefined means: as it should be. */
export type Mishap = (response: ServerResponse, content: Buffer, request: IncomingMessage) => void;

/** An HTTP server with ranges that serves `files` by path; `mishaps` are taken by the first requests of any file, one each. */
export async function serveFiles(t: TestContext, files: Readonly<Record<string, Buffer | string>>, mishaps: (Mishap | undefined)[] = []): Promise<FileServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    requests.push([request.method, path, request.headers.range].filter(Boolean).join(' '));
    const content = files[path] === undefined ? undefined : Buffer.from(files[path]);
    if (content === undefined) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('no such file');
    const mishap = request.method === 'GET' ? mishaps.shift() : undefined;
    if (mishap) return mishap(response, content, request);
    serve(response, content, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function serve(response: ServerResponse, content: Buffer, { headers, method }: IncomingMessage): void {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  if (from >= content.length && from > 0) return void response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
  const type = { 'content-type': 'application/octet-stream', 'content-length': content.length - from };
  if (headers.range === undefined) response.writeHead(200, type);
  else response.writeHead(206, { ...type, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` });
  response.end(method === 'HEAD' ? undefined : content.subarray(from));
}

/** Sends `count` bytes of what is asked for and cuts the connection. */
export function cutAfter(count: number): Mishap {
  return (response, content, request) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from, ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }) });
    response.write(content.subarray(from, from + count), () => setTimeout(() => response.destroy(), 20));
  };
}

/** Answers with a status and a page. */
export function answer(status: number, type = 'text/plain'): Mishap {
  return (response) => void response.writeHead(status, { 'content-type': type }).end('<html>sorry</html>');
}

/** Sends the whole file whatever part was asked for. */
export const ignoreRange: Mishap = (response, content) => void response.writeHead(200, { 'content-length': content.length }).end(content);

/** Sends ten bytes and then nothing. */
export const stall: Mishap = (response, content) => {
  response.writeHead(200, { 'content-length': content.length });
  response.write(content.subarray(0, 10));
};
