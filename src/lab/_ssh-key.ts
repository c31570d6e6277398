import { generateKeyPairSync, randomBytes } from 'node:crypto';

export interface SshKey {
  /** "ssh-ed25519 AAAA…", without a comment. */
  readonly publicKey: string;
  /** OpenSSH's private key file, unencrypted. */
  readonly privateKey: string;
}

/** A new Ed25519 key in OpenSSH's file formats (PROTOCOL.key of OpenSSH). Made here and not by ssh-keygen so that it is known before anything is on disk. */
export function newSshKey(comment: string): SshKey {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const publicBytes = Buffer.from(x!, 'base64url');
  const publicBlob = Buffer.concat([field('ssh-ed25519'), field(publicBytes)]);
  const check = randomBytes(4);
  const secret = pad(Buffer.concat([check, check, field('ssh-ed25519'), field(publicBytes), field(Buffer.concat([Buffer.from(d!, 'base64url'), publicBytes])), field(comment)]));
  const file = Buffer.concat([Buffer.from('openssh-key-v1\0'), field('none'), field('none'), field(''), number(1), field(publicBlob), field(secret)]);
  const lines = file.toString('base64').match(/.{1,70}/g)!.join('\n');
  return {
    publicKey: `ssh-ed25519 ${publicBlob.toString('base64')}`,
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
  };
}

function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([number(bytes.length), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** 1, 2, 3 … up to a multiple of the cipher's block, 8 for "none". */
function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: (8 - (bytes.length % 8)) % 8 }, (_, position) => position + 1))]);
}
