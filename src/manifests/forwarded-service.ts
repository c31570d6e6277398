import { KubekeepError } from '../lib/errors.ts';

/** A headless Service whose pods HAProxy inside the cluster forwards to. */
export interface ForwardedService {
  readonly namespace: string;
  readonly name: string;
  /** Of the pods. */
  readonly port: number;
  /** Of HAProxy's Service. */
  readonly listen: number;
  readonly mode: 'http' | 'tcp';
  /** Path of HAProxy's question whether a pod is well; without one it asks for a connection only. */
  readonly check: string | undefined;
  readonly balance: Balance;
  /** The most pods that there can be. */
  readonly pods: number;
}

const balances = ['roundrobin', 'leastconn', 'random-2', 'source'] as const;
export type Balance = (typeof balances)[number];

/** How a service is written on the command line. */
export const forwardedServiceForm = 'NAMESPACE/SERVICE:PORT[,listen=PORT][,mode=http|tcp][,check=/PATH][,balance=roundrobin|leastconn|random-2|source][,pods=N]';

/** A name of a namespace or a Service, as a part of a regular expression. */
export const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const target = new RegExp(`^(?<namespace>${label})/(?<name>${label}):(?<port>\\d+)$`);
const options = ['listen', 'mode', 'check', 'balance', 'pods'] as const;
type Given = Partial<Record<(typeof options)[number], string>>;

/** The services of the command line. Throws `usage` for a word that is wrong, and for a port that two of them want. */
export function parseForwardedServices(words: readonly string[]): readonly ForwardedService[] {
  const services = words.map(parseService);
  for (const [index, { listen }] of services.entries()) {
    const first = services.findIndex((one) => one.listen === listen);
    if (first < index) throw wrong(words[index]!, `port ${listen} is that of ${words[first]!} already`, 'Give one of them another port with listen=PORT.');
  }
  return services;
}

function parseService(word: string): ForwardedService {
  const [where = '', ...rest] = word.split(',');
  const found = target.exec(where)?.groups;
  if (!found) throw wrong(word, 'that is no service', `It has the form ${forwardedServiceForm}.`);
  const given = givenOptions(word, rest);
  const mode = oneOf(word, 'mode', given.mode ?? 'http', ['http', 'tcp']);
  if (given.check !== undefined && !/^\/[\w\-./~%?=&]*$/.test(given.check)) throw wrong(word, `check=${given.check} is no path`, 'A path begins with /, and has letters, digits and - . / ~ % ? = & _ only.');
  const port = wholeNumber(word, 'the port', found['port']!, 65_535);
  return {
    namespace: found['namespace']!,
    name: found['name']!,
    port,
    listen: given.listen === undefined ? port : wholeNumber(word, 'listen', given.listen, 65_535),
    mode,
    check: given.check,
    balance: oneOf(word, 'balance', given.balance ?? 'leastconn', balances),
    pods: wholeNumber(word, 'pods', given.pods ?? '32', 1000),
  };
}

function givenOptions(word: string, parts: readonly string[]): Given {
  const given: Given = {};
  for (const part of parts) {
    const [name, value] = [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)];
    const known = options.find((one) => one === name);
    if (!known) throw wrong(word, `there is no ${JSON.stringify(part)}`, `It has the form ${forwardedServiceForm}.`);
    if (given[known] !== undefined) throw wrong(word, `${known} is there twice`, 'Give it once.');
    given[known] = value;
  }
  return given;
}

function oneOf<T extends string>(word: string, name: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw wrong(word, `${name} cannot be ${JSON.stringify(value)}`, `There are ${known.join(', ')}.`);
  return found;
}

function wholeNumber(word: string, name: string, text: string, most: number): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > most) throw wrong(word, `${name} cannot be ${JSON.stringify(text)}`, `It is a whole number from 1 to ${most}.`);
  return number;
}

function wrong(word: string, why: string, hint: string): KubekeepError {
  return new KubekeepError('usage', `${word}: ${why}`, { hint });
}
