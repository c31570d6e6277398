import { execFileSync } from 'node:child_process';
import { hostConformance } from './host.conformance.ts';
import { localHost } from './local.ts';

const own = execFileSync('sh', ['-c', 'echo "$(id -un):$(id -gn)"'], { encoding: 'utf8' }).trim();

hostConformance('this computer as a host', {
  open: () => localHost(),
  owner: own,
  ...(own === 'root:root' ? { otherOwner: 'nobody:nogroup' } : {}),
  addressOfThisComputer: '127.0.0.1',
});
