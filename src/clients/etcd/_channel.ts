import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMethodBiDiStreaming, DescMethodServerStreaming, DescMethodUnary, MessageInitShape, MessageShape, DescMessage } from '@bufbuild/protobuf';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { Client, credentials, Metadata, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { nameOf, type EtcdConnection } from './etcd-connection.ts';
import { toEtcdError } from './etcd-error.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; default is the connection's. */
  readonly deadline?: number | undefined;
}

export interface Channel {
  /** One request, one answer. Rejects with an EtcdError, or an AbortError when the signal fires. */
  call<I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>, request: MessageInitShape<I>, options?: CallOptions): Promise<MessageShape<O>>;
  /** One request, answers one after the other. Ends with the stream; rejects as `call` does, and after `deadline` without an answer. */
  stream<I extends DescMessage, O extends DescMessage>(method: DescMethodServerStreaming<I, O>, request: MessageInitShape<I>, options?: CallOptions): AsyncGenerator<MessageShape<O>>;
  /**
   * Requests and answers on one stream, which the member ends where it has lost its leader. `send` may be called until the answers end; they end as those of `stream` do.
   */
  duplex<I extends DescMessage, O extends DescMessage>(method: DescMethodBiDiStreaming<I, O>, options?: CallOptions): Duplex<I, O>;
  close(): void;
}

export interface Duplex<I extends DescMessage, O extends DescMessage> {
  send(request: MessageInitShape<I>): void;
  readonly answers: AsyncGenerator<MessageShape<O>>;
}

/** gRPC over the unix socket or to the address, TLS checked against `ca` and the server's name. Connects with the first call, and again after a failure. */
export function openChannel(connection: EtcdConnection): Channel {
  const { tls } = connection;
  const [target, serverName] = 'socketPath' in connection ? [`unix:${connection.socketPath}`, connection.serverName] : [`dns:${connection.host}:${connection.port}`, connection.host];
  // A server must not be asked for an address (RFC 6066), and its certificate must have it all the same.
  const byAddress = isIP(serverName) !== 0;
  const verify = byAddress ? { checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(serverName, certificate) } : {};
  const trust = tls ? credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key.reveal()), Buffer.from(tls.certificate), verify) : credentials.createInsecure();
  const client = new Client(target, trust, {
    'grpc.ssl_target_name_override': byAddress ? 'localhost' : serverName,
    'grpc.default_authority': serverName,
    // Twice as fast for a snapshot as the default window of 64 KiB.
    'grpc-node.flow_control_window': 16 << 20,
    'grpc.max_receive_message_length': -1,
    // A change of membership must not be sent twice, and nothing here goes through a proxy.
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 2000,
  });
  const member = { name: nameOf(connection), deadline: connection.deadline };
  return {
    call: (method, request, options) => unary(client, member, method, request, options),
    stream: (method, request, options) => answersOf(client.makeServerStreamRequest(...encoded(method, request)), member, method.name, options),
    duplex(method, options) {
      const [path, serialize, deserialize] = wire(method);
      const metadata = new Metadata();
      metadata.set('hasleader', 'true');
      const call = client.makeBidiStreamRequest(path, serialize, deserialize, metadata);
      return { send: (request) => void (call.destroyed || call.write(create(method.input, request))), answers: answersOf(call, member, method.name, options) };
    },
    close: () => client.close(),
  };
}

interface CalledMember {
  readonly name: string;
  /** Milliseconds. */
  readonly deadline: number | undefined;
}

/** The deadline is a timer of ours and not gRPC's, which looks at the wall clock. */
function unary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  { name, deadline: usual = 5000 }: CalledMember,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  { signal, deadline = usual }: CallOptions = {},
): Promise<MessageShape<O>> {
  return new Promise((resolve, reject) => {
    // Of a connection that was closed it throws at once: nothing that waits may stay behind.
    const call = client.makeUnaryRequest(
      ...encoded(method, request),
      (error, answer) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
        if (!error) resolve(answer!);
        else reject(signal?.aborted ? aborted() : toEtcdError(name, method.name, error));
      },
    );
    const cancel = () => call.cancel();
    const timer = setTimeout(cancel, deadline);
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
  });
}

async function* answersOf<T>(call: ClientReadableStream<T>, { name, deadline: usual = 5000 }: CalledMember, verb: string, { signal, deadline = usual }: CallOptions = {}): AsyncGenerator<T> {
  const cancel = () => call.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  let timer = setTimeout(cancel, deadline);
  try {
    for await (const answer of call as AsyncIterable<T>) {
      // What is done with an answer takes as long as it takes.
      clearTimeout(timer);
      yield answer;
      timer = setTimeout(cancel, deadline);
    }
  } catch (error) {
    throw signal?.aborted ? aborted() : toEtcdError(name, verb, error as ServiceError);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}

type Method<I extends DescMessage, O extends DescMessage> = DescMethodUnary<I, O> | DescMethodServerStreaming<I, O> | DescMethodBiDiStreaming<I, O>;

/** What gRPC wants to know of a call: its path, and how both messages look on the wire. */
function wire<I extends DescMessage, O extends DescMessage>(method: Method<I, O>) {
  return [
    `/${method.parent.typeName}/${method.name}`,
    (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
    (bytes: Buffer) => fromBinary(method.output, bytes),
  ] as const;
}

/** The same, and the one request. */
function encoded<I extends DescMessage, O extends DescMessage>(method: Method<I, O>, request: MessageInitShape<I>) {
  return [...wire(method), create(method.input, request)] as const;
}

function aborted(): DOMException {
  return new DOMException('interrupted', 'AbortError');
}
