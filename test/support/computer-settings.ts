import { runProcess } from '../../src/hosts/process.ts';

export interface ComputerSettings {
  /** Variables for everything that downloads. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lines for a file of apt.conf.d. */
  readonly aptLines: readonly string[];
}

const passedOn = /^(https?_proxy|no_proxy|all_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|GOPROXY|GONOPROXY|GOSUMDB|GONOSUMDB)$/i;

/** How this computer reaches the package registries: proxies, mirrors, certificates. Credentials are not among it. */
export async function readComputerSettings(): Promise<ComputerSettings> {
  const own = Object.entries(process.env).filter((entry): entry is [string, string] => passedOn.test(entry[0]) && Boolean(entry[1]));
  const [goProxy, registry, apt] = await Promise.all([output('go', 'env', 'GOPROXY'), output('npm', 'config', 'get', 'registry'), output('apt-config', 'dump')]);
  return {
    environment: { ...(goProxy && { GOPROXY: goProxy }), ...(registry && { npm_config_registry: registry }), ...Object.fromEntries(own) },
    aptLines: apt.split('\n').filter((line) => /^Acquire::(http|https|Check-Valid-Until|Check-Date)\b/.test(line)),
  };
}

/** Empty where there is no such program. */
async function output(program: string, ...args: string[]): Promise<string> {
  return runProcess(program, args).then(({ exitCode, stdout }) => (exitCode === 0 ? stdout.trim() : ''), () => '');
}
