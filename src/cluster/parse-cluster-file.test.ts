import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KubekeepError } from '../lib/errors.ts';
import { findProblems, parseAnyClusterFile, parseClusterFile } from './parse-cluster-file.ts';
import { nodesOf } from './service.ts';

const place = { file: 'cluster.yaml', directory: '/home/me/prod' };

const smallest = `apiVersion: kubekeep.dev/v1alpha1
kind: Cluster
metadata: { name: prod }
spec:
  endpoint: { vip: 10.0.0.100/24 }
  hosts:
    - { name: cp1, address: 10.0.0.11 }
    - { name: cp2, address: 10.0.0.12 }
    - { name: cp3, address: 10.0.0.13 }
`;

const says = (text: string) => findProblems(text).map(({ line, column, message, suggestion }) => `${line}:${column} ${message}${suggestion ? ` (${suggestion})` : ''}`);

function fits(found: string | undefined, expected: string | RegExp): void {
  if (typeof expected === 'string') assert.equal(found, expected);
  else assert.match(found ?? '', expected);
}

describe('a cluster file', () => {
  it('of the smallest kind gets every default', () => {
    const cluster = parseClusterFile(smallest, place);
    assert.deepEqual(cluster.endpoint, { vip: '10.0.0.100', prefix: 24, port: 6443, names: [], previousVips: [], load: false });
    assert.deepEqual(cluster.etcd, { version: '3.7.3', heartbeatInterval: 50, electionTimeout: 500, quotaBackendBytes: 8589934592 });
    assert.deepEqual(cluster.kubernetes, { version: '1.37.2', imageRepository: 'registry.k8s.io', extraSans: [], apiServer: { extraFlags: {} }, controllerManager: { extraFlags: {} }, scheduler: { extraFlags: {} } });
    assert.deepEqual(cluster.networks, { pods: '10.244.0.0/16', services: '10.96.0.0/12', dnsDomain: 'cluster.local', dns: 'coredns', cni: 'bridge' });
    assert.equal(cluster.programs.source, 'auto');
    assert.deepEqual(cluster.hosts.map(({ name, address, roles, ssh: { address: at, port, user } }) => ({ name, address, roles, at, port, user })), [1, 2, 3].map((n) => (
      { name: `cp${n}`, address: `10.0.0.1${n}`, roles: ['etcd', 'control-plane', 'load-balancer'], at: `10.0.0.1${n}`, port: 22, user: 'root' })));
  });

  it('gives each host what spec.ssh says where the host says nothing', () => {
    const text = smallest.replace('cp2, address: 10.0.0.12', 'cp2, address: 10.0.0.12, ssh: { user: admin, address: cp2.example, identity: /keys/cp2 }').concat('  ssh: { user: ops, port: 2222, jump: "a@b.example:22", identity: keys/../id }\n');
    const [first, second] = parseClusterFile(text, place).hosts;
    assert.deepEqual(first!.ssh, { address: '10.0.0.11', port: 2222, user: 'ops', identity: '/home/me/prod/id', jump: 'a@b.example:22', hostKey: undefined });
    assert.deepEqual(second!.ssh, { address: 'cp2.example', port: 2222, user: 'admin', identity: '/keys/cp2', jump: 'a@b.example:22', hostKey: undefined });
  });

  it('has relative paths from its own folder, and ~ from the home folder', () => {
    const read = (text: string) => parseClusterFile(smallest + text, { ...place, home: '/home/me' });
    assert.equal(read('  programs: { source: directory, directory: ../programs }\n').programs.directory, '/home/me/programs');
    assert.equal(read('  ssh: { identity: ~/.ssh/id_ed25519 }\n').hosts[0]!.ssh.identity, '/home/me/.ssh/id_ed25519');
  });

  it('takes numbers and booleans as values of flags', () => {
    const flags = parseClusterFile(`${smallest}  kubernetes: { apiServer: { extraFlags: { v: 4, profiling: true, goaway-chance: 0.002, event-ttl: 2h } } }\n`, place).kubernetes.apiServer.extraFlags;
    assert.deepEqual(flags, { 'v': '4', 'profiling': 'true', 'goaway-chance': '0.002', 'event-ttl': '2h' });
  });

  it('gives each service what it does not say, and the VIP of the endpoint', () => {
    const text = smallest.concat("    - { name: w1, address: 10.0.0.21, roles: [worker], labels: { zone: a } }\n  services:\n    - { name: shop, listen: { port: 443 }, forward: { service: 'shop/web:https' } }\n    - { name: mail, listen: { vip: 10.0.0.101, port: 25 }, forward: { nodePort: 30025 }, nodes: { labels: { zone: a } }, check: { http: { path: /healthz } }, load: true }\n    - { name: turn, listen: { port: 80 }, forward: { nodePort: 30080 }, load: true, balance: roundrobin }\n");
    const { services, hosts } = parseClusterFile(text, place);
    const defaults = { balance: 'roundrobin', load: false, check: 'tcp', mode: 'tcp', maxConnections: 4000, labels: {} };
    assert.deepEqual(services, [
      { ...defaults, name: 'shop', listen: { vip: '10.0.0.100', port: 443 }, forward: { namespace: 'shop', service: 'web', port: 'https' } },
      { ...defaults, name: 'mail', listen: { vip: '10.0.0.101', port: 25 }, forward: { nodePort: 30025 }, labels: { zone: 'a' }, check: { http: { path: '/healthz', expect: '200-299' } }, load: true, balance: 'random-2' },
      { ...defaults, name: 'turn', listen: { vip: '10.0.0.100', port: 80 }, forward: { nodePort: 30080 }, load: true },
    ]);
    assert.deepEqual(services.map((service) => nodesOf(service, hosts).map(({ name }) => name)), [['w1'], ['w1'], ['w1']]);
    assert.deepEqual(nodesOf({ labels: { zone: 'b' } }, hosts), []);
  });

  it('may repeat a block through an anchor', () => {
    const text = smallest.replace('10.0.0.11 }', '10.0.0.11, ssh: &login { port: 2222 } }').replace('10.0.0.12 }', '10.0.0.12, ssh: *login }');
    assert.deepEqual(parseClusterFile(text, place).hosts.map(({ ssh }) => ssh.port), [2222, 2222, 22]);
  });

  it('fails with every problem at once, each with file, line, column and suggestion', () => {
    const text = smallest.replace('kind: Cluster', 'kind: Clutser').replace('10.0.0.12', '10.0.0.300').replace('  hosts:', '  host:\n  hosts:');
    assert.throws(() => parseClusterFile(text, place), (error) => {
      assert.ok(error instanceof KubekeepError);
      assert.equal(error.code, 'spec-invalid');
      assert.equal(error.message, [
        'cluster.yaml has 3 problems',
        '  cluster.yaml line 2, column 7: kind must be "Cluster", not "Clutser" (did you mean "Cluster"?)',
        '  cluster.yaml line 6, column 3: spec.host is not a known field (did you mean hosts?)',
        '  cluster.yaml line 9, column 29: spec.hosts[1].address must be an IPv4 address such as 10.0.0.11, not "10.0.0.300"',
      ].join('\n'));
      return true;
    });
  });
});

const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----';
const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.split('').map((name, position) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[position]}`).join(',')}]`).join('\n')}\n`;

describe('a file that is no cluster file', () => {
  const cases: readonly (readonly [title: string, text: string, expected: readonly (string | RegExp)[]])[] = [
    ['is empty', '', ['1:1 the file is empty (run kubekeep init to make one)']],
    ['holds comments only', '# nothing\n---\n', ['1:1 the file is empty (run kubekeep init to make one)']],
    ['is prose', 'hello', ['1:1 the file must be a mapping of fields, not "hello"']],
    ['is a list', '- a\n- b\n', ['1:1 the file must be a mapping of fields, not a list']],
    ['is broken YAML', 'a: [1, 2\nb: }\n', [/^2:1 this is not YAML: flow sequence/, /^2:4 this is not YAML: /]],
    ['is indented with a tab', 'a:\n\tb: 1\n', ['2:1 tabs cannot indent YAML (use spaces)']],
    ['holds two documents', `${smallest}---\n${smallest}`, ['10:1 the file holds more than one YAML document (keep one cluster per file)']],
    ['is an anchor bomb', bomb, [/^2:8 the file repeats too much through anchors and aliases/]],
    ['is nested 100,000 times', '['.repeat(100_000), ['1:1 the file is nested too deeply or has too many values for a cluster file']],
    ['is larger than 1 MiB', `${smallest}#${'x'.repeat(2 ** 20)}`, ['1:1 the file is larger than 1 MiB and cannot be a cluster file']],
    ['is JSON of something else', '{"a": null}', ['1:1 apiVersion is missing; it must be "kubekeep.dev/v1alpha1"', /kind is missing/, /metadata is missing/, /spec is missing/, /^1:2 a is not a known field \(known here: apiVersion, kind, metadata, spec\)/]],
  ];
  for (const [title, text, expected] of cases) {
    it(`is refused where it ${title}`, { timeout: 10_000 }, () => {
      const found = says(text);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [position, one] of expected.entries()) fits(found[position], one);
    });
  }

  it('is refused in under three seconds of processor time, whatever 1 MiB it holds', () => {
    const pieces = ['a: 1\n', '- ', '{a: ', '&a ', '*a\n', '"', 'a', '1', '? ', '!', '- {name: x}\n', 'é: é\n', '---\n', '-----BEGIN PRIVATE KEY\n', '&a [*a, ', '10.', '\n', '#\n', ' ', ':', '%YAML 1.1\n', '|\n', "''"];
    for (const piece of pieces) {
      const start = process.cpuUsage();
      assert.ok(findProblems(piece.repeat(Math.floor(2 ** 20 / Buffer.byteLength(piece)))).length > 0);
      const { user, system } = process.cpuUsage(start);
      const took = (user + system) / 1000;
      assert.ok(took < 3000, `${JSON.stringify(piece)} took ${took} ms`);
    }
  });

  it('is refused where an anchor contains itself', () => {
    assert.ok(findProblems(smallest.replace('[', '').replace('hosts:\n', 'hosts: &h\n    - *h\n')).length > 0);
    assert.ok(findProblems(smallest.replace('metadata: {', 'metadata: &m { name: *m,')).length > 0);
  });
});

describe('a field', () => {
  const cases: readonly (readonly [title: string, from: string, to: string, expected: string | RegExp])[] = [
    ['given twice', '  endpoint:', '  hosts: []\n  endpoint:', '7:3 hosts is given twice (keep one of them)'],
    ['with a spelling mistake', 'metadata: { name', 'metadata: { nmae: x, name', '3:13 metadata.nmae is not a known field (did you mean name?)'],
    ['in the wrong place', 'spec:\n', 'spec:\n  vip: 10.0.0.1/24\n', '5:3 spec.vip is not a known field (vip belongs in spec.endpoint or spec.services[].listen)'],
    ['of prototypes', 'spec:\n', 'spec:\n  __proto__: { a: 1 }\n', /^5:3 spec\.__proto__ is not a known field/],
    ['that is missing', ', address: 10.0.0.12', '', '8:7 spec.hosts[1].address is missing; it must be an IPv4 address such as 10.0.0.11'],
    ['without a value', 'vip: 10.0.0.100/24', 'vip:', /^5:\d+ spec\.endpoint\.vip has no value; it must be an IPv4 address with/],
    ['of another type', 'name: prod', 'name: [prod]', '3:19 metadata.name must be a name of at most 63 lower-case letters, digits and dashes, not a list'],
    ['with a number for text', 'spec:\n', 'spec:\n  kubernetes: { version: 1.37 }\n', '5:26 spec.kubernetes.version must be a version with three numbers such as "1.37.2", not 1.37'],
    ['with text for a number', 'spec:\n', 'spec:\n  ssh: { port: "22" }\n', '5:16 spec.ssh.port must be a whole number from 1 to 65535 (a port), not "22" (write 22 without quotes)'],
    ['with a v before the version', 'spec:\n', 'spec:\n  etcd: { version: v3.7.3 }\n', '5:20 spec.etcd.version must be a version with three numbers such as "3.7.3", not "v3.7.3" (did you mean "3.7.3"?)'],
    ['without a prefix length', '10.0.0.100/24', '10.0.0.100', /not "10\.0\.0\.100" \(did you mean "10\.0\.0\.100\/24"\?\)$/],
    ['with an IPv6 address', '10.0.0.11', '"fd00::11"', '7:29 spec.hosts[0].address is an IPv6 address; IPv6 and dual stack are not supported by this release, so give an IPv4 address'],
    ['with an IPv6 network', 'spec:\n', 'spec:\n  networks: { pods: "fd00:10::/56" }\n', /^5:21 spec\.networks\.pods is an IPv6 address; IPv6 and dual stack are not supported/],
    ['with a command as host name', 'name: cp1', 'name: "$(reboot)"', /^7:15 spec\.hosts\[0\]\.name must be a host name/],
    ['with quotes in the host name', 'name: cp1', `name: 'a"b;c'`, /spec\.hosts\[0\]\.name must be a host name/],
    ['with a line break in the host name', 'name: cp1', 'name: "cp1\\n"', /not "cp1\\n" \(did you mean "cp1"\?\)/],
    ['with a host name of 300 characters', 'name: cp1', `name: ${'a'.repeat(300)}`, /at most 63 lower-case letters, digits and dashes, not "a{57}…"$/],
    ['with an option as jump host', 'spec:\n', 'spec:\n  ssh: { jump: -oProxyCommand=reboot }\n', /spec\.ssh\.jump must be a jump host/],
    ['with an option as SSH address', 'address: 10.0.0.11', 'address: 10.0.0.11, ssh: { address: -oProxyCommand=reboot }', /spec\.hosts\[0\]\.ssh\.address must be/],
    ['with a misspelt role', 'address: 10.0.0.11', 'address: 10.0.0.11, roles: [loadbalancer]', /\(did you mean "load-balancer"\?\)$/],
    ['without any role', 'address: 10.0.0.11', 'address: 10.0.0.11, roles: []', /spec\.hosts\[0\]\.roles must have at least one entry/],
    ['with an unknown network for pods', 'spec:\n', 'spec:\n  networks: { cni: flannel }\n', /spec\.networks\.cni must be one of bridge, none, not "flannel"/],
    ['with something else than a bucket as repository', 'spec:\n', 'spec:\n  backup: { repository: "gs://backups/prod" }\n', /spec\.backup\.repository must be the path of a folder, or s3:\/\/BUCKET\/PREFIX/],
    ['with credentials in the address of S3', 'spec:\n', 'spec:\n  backup: { repository: "s3://backups", s3: { endpoint: "https://key:word@s3.example" } }\n', /^5:\d+ spec\.backup\.s3\.endpoint has a user in it; credentials come from the environment or the files of ~\/\.aws$/],
    ['with S3 in clear text', 'spec:\n', 'spec:\n  backup: { repository: "s3://backups", s3: { endpoint: "http://s3.example" } }\n', /spec\.backup\.s3\.endpoint must be an https address/],
    ['with options of S3 for a folder', 'spec:\n', 'spec:\n  backup: { repository: /backups, s3: { region: eu-central-1 } }\n', /^5:\d+ spec\.backup\.s3 is not used with a folder/],
    ['with a bandwidth that has no time', 'spec:\n', 'spec:\n  backup: { repository: /backups, bandwidth: 20MB }\n', /spec\.backup\.bandwidth must be an amount a second/],
    ['with something else as recipient', 'spec:\n', 'spec:\n  backup: { repository: x, recipients: [ssh-ed25519] }\n', /spec\.backup\.recipients\[0\] must be an age recipient/],
    ['with a time without a unit', 'spec:\n', 'spec:\n  backup: { repository: x, keep: { within: 14 } }\n', /spec\.backup\.keep\.within must be a time such as 36h, 14d or 8w, not 14/],
    ['that keeps bases but no time', 'spec:\n', 'spec:\n  backup: { repository: x, keep: { daily: 7 } }\n', /spec\.backup\.keep\.within is missing/],
    ['with dashes before a flag', 'spec:\n', 'spec:\n  kubernetes: { scheduler: { extraFlags: { --v: 4 } } }\n', /--v must be a flag's name without leading dashes, in lower case, not "--v" \(did you mean "v"\?\)/],
    ['with two lines as a flag', 'spec:\n', 'spec:\n  kubernetes: { scheduler: { extraFlags: { v: "4\\n[Service]" } } }\n', /must be text on one line/],
    ['with a password in the address of the mirror', 'spec:\n', 'spec:\n  programs: { mirror: "https://me:pass@mirror.example" }\n', /must be an http or https address without user, password or query/],
    ['with a tag', 'name: prod', 'name: !secret prod', /YAML tags are not used in a cluster file/],
  ];
  for (const [title, from, to, expected] of cases) {
    it(`${title} is named with its line and column`, () => {
      assert.ok(smallest.includes(from));
      const found = says(smallest.replace(from, to));
      assert.equal(found.length, 1, found.join('\n'));
      fits(found[0], expected);
    });
  }
});

describe('the recipients of backups', () => {
  it('are those of the file, and those of escrow only where it has them', () => {
    const [one, other] = ['q', 'p'].map((letter) => `age1${letter.repeat(58)}`);
    const backup = (text: string) => parseClusterFile(smallest.replace('spec:\n', `spec:\n  backup: ${text}\n`), { file: 'c.yaml', directory: '/srv' }).backup;
    assert.deepEqual(backup(`{ repository: b, recipients: [${one}], escrow: [${other}] }`), { repository: '/srv/b', recipients: [one], escrow: [other] });
    assert.deepEqual(backup(`{ repository: b, recipients: [${one}], escrow: [] }`), { repository: '/srv/b', recipients: [one], escrow: [] });
    assert.deepEqual(backup(`{ repository: b, recipients: [${one}] }`), { repository: '/srv/b', recipients: [one] });
  });
});

describe('a bucket as repository', () => {
  const backup = (text: string) => parseClusterFile(smallest.replace('spec:\n', `spec:\n  backup: ${text}\n`), { file: 'c.yaml', directory: '/srv' }).backup;

  it('stays as it is, with its options, and paths start at the file', () => {
    const s3 = { endpoint: 'https://s3.example:9000', region: 'eu-central-1', ca: 'ca.pem', pathStyle: false };
    assert.deepEqual(backup(JSON.stringify({ repository: 's3://backups/prod/a', s3, bandwidth: '20MB/s' })), { repository: 's3://backups/prod/a', recipients: [], s3: { ...s3, ca: '/srv/ca.pem' }, bandwidth: 20_000_000 });
    assert.deepEqual(backup('{ repository: backups }'), { repository: '/srv/backups', recipients: [] });
  });
});

describe('the file of a cluster that kubekeep did not build', () => {
  const external = `apiVersion: kubekeep.dev/v1alpha1
kind: Cluster
metadata: { name: prod }
spec:
  external:
    etcd: { endpoints: ["https://10.0.0.11:2379/", "https://etcd-2.example:2379"], ca: pki/ca.crt, certificate: ~/c.crt, key: /k.key }
  backup: { repository: backups }
`;

  it('has paths from its own folder and the home folder, and what is not said as a built one has it', () => {
    const cluster = parseAnyClusterFile(external, { ...place, home: '/home/me' });
    assert.ok('external' in cluster);
    assert.deepEqual(cluster.external.etcd, { endpoints: ['https://10.0.0.11:2379', 'https://etcd-2.example:2379'], ca: '/home/me/prod/pki/ca.crt', certificate: '/home/me/c.crt', key: '/k.key' });
    const { kubernetes, networks, programs } = parseClusterFile(smallest, place);
    assert.deepEqual({ name: cluster.name, kubernetes: cluster.kubernetes, networks: cluster.networks, programs: cluster.programs, etcd: cluster.etcd, backup: cluster.backup }, { name: 'prod', kubernetes, networks, programs, etcd: {}, backup: { repository: '/home/me/prod/backups', recipients: [] } });
    const versions = parseAnyClusterFile(`${external}  etcd: { version: 3.6.16 }\n  kubernetes: { version: 1.37.1 }\n`, place);
    assert.deepEqual([versions.etcd.version, versions.kubernetes.version], ['3.6.16', '1.37.1']);
  });

  it('is no cluster that anything can be built from', () => {
    assert.throws(() => parseClusterFile(external, place), (error) => error instanceof KubekeepError && error.code === 'cluster-external' && error.exitCode === 2 && /backup \(all but keys prove\)/.test(error.hint ?? ''));
    assert.ok(!('external' in parseAnyClusterFile(smallest, place)));
  });

  const wrong: readonly (readonly [title: string, from: string, to: string, finding: string | RegExp])[] = [
    ['with hosts', '  backup:', '  hosts: [{ name: cp1, address: 10.0.0.11 }]\n  backup:', '7:3 spec.hosts is not used with spec.external: kubekeep did not build this cluster and changes nothing in it (take it out)'],
    ['with an endpoint', '  backup:', '  endpoint: { vip: 10.0.0.100/24 }\n  backup:', /^7:3 spec\.endpoint is not used with spec\.external/],
    ['with times of etcd', '  backup:', '  etcd: { heartbeatInterval: 100 }\n  backup:', /^7:11 spec\.etcd\.heartbeatInterval is not used with spec\.external/],
    ['with flags', '  backup:', '  kubernetes: { apiServer: {} }\n  backup:', /^7:17 spec\.kubernetes\.apiServer is not used with spec\.external/],
    ['with a kubeconfig', 'etcd: {', 'kubeconfig: x\n    etcd: {', '6:5 spec.external.kubeconfig comes in a later release; take it out of the file for now'],
    ['with a misspelt field', 'certificate:', 'certifcate:', /^6:\d+ spec\.external\.etcd\.certifcate is not a known field \(did you mean certificate\?\)$/],
    ['with names that etcdctl has', 'ca: pki/ca.crt', 'cacert: pki/ca.crt', /spec\.external\.etcd\.cacert is not a known field/],
    ['without TLS', 'https://10.0.0.11:2379/', 'http://10.0.0.11:2379', '6:25 spec.external.etcd.endpoints[0] is not https; without TLS whoever can read the network has every Secret, so kubekeep speaks with etcd by TLS only'],
    ['with a bare address', 'https://10.0.0.11:2379/', '10.0.0.11:2379', '6:25 spec.external.etcd.endpoints[0] must be an https address with a port such as https://10.0.0.11:2379, not "10.0.0.11:2379" (did you mean "https://10.0.0.11:2379"?)'],
    ['with a path', 'https://10.0.0.11:2379/', 'https://10.0.0.11:2379/v3', /endpoints\[0\] must be an https address with a port/],
    ['with an endpoint twice', 'https://etcd-2.example:2379', 'https://10.0.0.11:2379', '6:52 https://10.0.0.11:2379 is in the list twice (keep one of them)'],
    ['with an etcd that is not run', '  backup:', '  etcd: { version: 3.5.21 }\n  backup:', /^7:20 etcd 3\.5\.21 is not supported by this release.* \(use 3\.7\.3\)$/],
    ['with a folder of programs and no source', '  backup:', '  programs: { directory: x }\n  backup:', /^7:15 spec\.programs\.directory is not used/],
  ];
  for (const [title, from, to, finding] of wrong) {
    it(`${title} is refused with its place`, () => {
      assert.ok(external.includes(from));
      const [first, ...more] = says(external.replace(from, to)).filter((one) => !/certificate is missing|\.ca is missing/.test(one));
      fits(first, finding);
      assert.deepEqual(more, []);
    });
  }

  it('without anything in it says so once', () => {
    assert.deepEqual(says(external.replace(/external:[^]*(?=  backup)/, 'external:\n')), ['5:12 spec.external has no value; it must be a mapping of fields']);
  });
});

describe('a secret in the file', () => {
  const cases: readonly (readonly [title: string, text: string])[] = [
    ['as a value', smallest.replace('spec:\n', `spec:\n  ssh: { identity: ${JSON.stringify(key)} }\n`)],
    ['as a block', smallest.replace('spec:\n', `spec:\n  ssh:\n    identity: |\n${key.replaceAll(/^/gm, '      ')}\n`)],
    ['as a field name', smallest.replace('spec:\n', 'spec:\n  AGE-SECRET-KEY-1QQQQCANARY: 1\n')],
    ['in an unknown field', smallest.replace('spec:\n', 'spec:\n  identity: AGE-SECRET-KEY-1QQQQCANARY\n')],
    ['as a host key', smallest.replace('10.0.0.11', '10.0.0.11, ssh: { hostKey: b3BlbnNzaC1rZXktdjEAAAAACANARY }')],
    ['in a comment', smallest.replace('spec:', '# AGE-SECRET-KEY-1QQQQCANARY\nspec:')],
    ['as an alias in broken YAML', '*AGE-SECRET-KEY-1QQQQCANARY: [\n'],
  ];
  for (const [title, text] of cases) {
    it(`is found ${title}, and never shown`, () => {
      const found = says(text);
      assert.equal(found.filter((line) => line.includes('a private key stands in the file')).length, 1, found.join('\n'));
      assert.ok(!/CANARY|AAAAA|b3Blb|SECRET-KEY/.test(JSON.stringify(findProblems(text))), found.join('\n'));
    });
  }
});
