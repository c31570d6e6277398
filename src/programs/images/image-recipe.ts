import { createHash } from 'node:crypto';

export const releases = ['bookworm', 'trixie'] as const;
export type Release = (typeof releases)[number];

/** What every lab machine has: systemd, SSH, the two programs that hosts take from their distribution, and tools to look around. */
export const basePackages = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'openssh-server',
  'iproute2',
  'nftables',
  'procps',
  'curl',
  'ca-certificates',
  'openssl',
  'socat',
  'sudo',
  'iputils-ping',
  'iputils-arping',
  'haproxy',
  'keepalived',
] as const;

/** Raised whenever `tidyScript` or the way the image is made changes: computers then make a new image. */
const recipeVersion = 2;

/** The folder name of an image: the release and a digest of everything that decides what is in it. */
export function imageName(release: Release, packages: readonly string[], architecture: string): string {
  const parts = [recipeVersion, release, architecture, ...[...new Set(packages)].sort()];
  return `${release}-${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)}`;
}

/** Units that make no sense in a container, or do work at a time of their own and so would disturb measurements. */
const masked = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty@tty1.service',
  'getty-static.service',
  'systemd-pstore.service',
  'systemd-resolved.service',
  'systemd-timesyncd.service',
] as const;

/** Run by sh inside the new root: nothing of this computer or of one machine is left in it, and nothing starts that a host of a cluster would not expect. */
export const tidyScript = `
export LC_ALL=C
systemctl enable systemd-networkd.service ssh.service
systemctl disable systemd-networkd-wait-online.service haproxy.service keepalived.service
systemctl mask ${masked.join(' ')}
mkdir -p /etc/ssh/sshd_config.d
printf 'PermitRootLogin prohibit-password\\nUseDNS no\\n' > /etc/ssh/sshd_config.d/10-kubekeep-lab.conf
rm -f /etc/ssh/ssh_host_*
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
rm -f /etc/resolv.conf /etc/hostname
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/*.log /var/log/apt/* /tmp/*
`;
