import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { detachVolumes } from './leave-script.ts';

const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

for (const [title, prepare] of [['is detached before that is removed, also a folder of the same file system', ''], ['is detached also where that is a link', 'mkdir /var/lib/elsewhere; ln -s elsewhere /var/lib/kubelet']] as const) test(`what is mounted below the folder of the kubelet ${title}`, { skip: canMount ? false : 'this computer lets nobody mount' }, () => {
  const said = execFileSync('unshare', ['--mount', 'sh', '-c', `mount -t tmpfs tmpfs /var/lib
${prepare}
mkdir -p /var/lib/data /var/lib/kubelet/pods/1/volumes/local /var/lib/kubelet/pods/1/volumes/local/sub '/var/lib/kubelet/pods/2/a b'
echo precious > /var/lib/data/file
mount --bind /var/lib/data /var/lib/kubelet/pods/1/volumes/local
mkdir -p /var/lib/kubelet/pods/1/volumes/local/sub
mount -t tmpfs tmpfs /var/lib/kubelet/pods/1/volumes/local/sub
mount --bind /var/lib/data '/var/lib/kubelet/pods/2/a b'
${detachVolumes}
rm -rf --one-file-system /var/lib/kubelet/*
cat /var/lib/data/file; ls /var/lib/kubelet/`], { encoding: 'utf8' });
  assert.equal(said, 'precious\n');
});
