#!/usr/bin/env python3
"""Turns a kubekeep repository and an age identity into a snapshot that etcdutl restores, without kubekeep.

    recover.py REPOSITORY IDENTITY                 lists the bases
    recover.py REPOSITORY IDENTITY BASE SNAP.db    writes one of them; BASE is its number, or latest
    recover.py REPOSITORY IDENTITY --bundle FOLDER writes what lies sealed beside the newest base: CAs, keys, cluster file

It needs Python 3.9, age (or another program that takes `-d -i IDENTITY FILE`, named by AGE), libzstd and the OpenSSL library that Python uses. It follows
docs/design/repository-format.md: sections 4 (keys), 5 (objects), 6 (bases), 8 (chain), 12 (what is retired). Hashes, lengths and tags are checked, signatures are not; revisions of the log
are not replayed.
"""

import _ssl
import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time

KINDS = {"pack": 1, "table": 2, "sealed": 5, "entry": 6}
FOLDERS = {"pack": "packs", "table": "tables", "sealed": "sealed"}
WRAPPED = {1: "captures", 2: "escrow"}
BASE, CATALOG, RETIRE, BASE_HASHES = 1, 5, 7, 13

crypto = ctypes.CDLL(_ssl.__file__)
zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(crypto, name).restype = ctypes.c_void_p
zstd.ZSTD_decompress.restype = ctypes.c_size_t


class Damaged(Exception):
    pass


def diverged(base):
    """Section 6: its own member, or most others, have something else."""
    different = [one["member"] for one in base.get("hashes", []) if one["verdict"] == "different"]
    return base["member"] in different or len(different) > sum(one["verdict"] == "equal" for one in base.get("hashes", []))


def hkdf(key, salt, info):
    """HKDF-SHA256 of 32 bytes."""
    return hmac.new(hmac.new(salt, key, hashlib.sha256).digest(), info.encode() + b"\x01", hashlib.sha256).digest()


def open_gcm(key, associated, sealed, tag):
    """AES-256-GCM with a nonce of zeros: the plain text, or None where the tag does not fit."""
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out = ctypes.create_string_buffer(len(sealed) + 16)
    length = ctypes.c_int(0)
    try:
        crypto.EVP_DecryptInit_ex(context, ctypes.c_void_p(crypto.EVP_aes_256_gcm()), None, key, bytes(12))
        crypto.EVP_DecryptUpdate(context, None, ctypes.byref(length), associated, len(associated))
        crypto.EVP_DecryptUpdate(context, out, ctypes.byref(length), sealed, len(sealed))
        crypto.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, tag)
        done = crypto.EVP_DecryptFinal_ex(context, out, ctypes.byref(ctypes.c_int(0)))
    finally:
        crypto.EVP_CIPHER_CTX_free(context)
    return out.raw[: len(sealed)] if done == 1 else None


def unpack(frame, length, name):
    out = ctypes.create_string_buffer(max(1, length))
    if zstd.ZSTD_decompress(out, ctypes.c_size_t(length), frame, ctypes.c_size_t(len(frame))) != length:
        raise Damaged(f"{name}: its content cannot be unpacked")
    return out.raw[:length]


class Numbers:
    """LEB128 integers and bytes, one after the other."""

    def __init__(self, data, name):
        self.data, self.at, self.name = data, 0, name

    def raw(self, count):
        if count > len(self.data) - self.at:
            raise Damaged(f"{self.name}: it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self):
        value, shift = 0, 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


class Repository:
    def __init__(self, folder, identity):
        self.folder, self.identity, self.captures = folder, identity, {}
        marker = json.loads(self.read("kubekeep-repository"))
        if marker["format"] != 1:
            sys.exit(f"format {marker['format']} is not known to this script")
        self.id = bytes.fromhex(marker["id"])
        generations = [int(name.split(".")[0]) for name in os.listdir(os.path.join(folder, "keys")) if name.endswith(".age")]
        self.newest = max(generations)
        self.structure = hkdf(self.unwrap([f"keys/{one}.age" for one in sorted(generations, reverse=True)]), self.id, "kubekeep/1 structure")

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise Damaged(f"{name}: it is missing") from None

    def unwrap(self, names):
        """A key from the first of some copies that is there and opens: while recipients are changed there may be two."""
        program = os.environ.get("AGE", "age")
        there = [name for name in names if os.path.exists(os.path.join(self.folder, name))]
        for name in there:
            try:
                return subprocess.run([program, "-d", "-i", self.identity, os.path.join(self.folder, name)], check=True, stdout=subprocess.PIPE).stdout
            except FileNotFoundError:
                sys.exit(f"the program {program} is not installed: apt-get install -y age, or name another one by AGE")
            except subprocess.CalledProcessError:
                pass
        if not there:
            raise Damaged(f"{names[0]}: it is missing")
        sys.exit(f"{there[0]} does not open with {self.identity}")

    def opened(self, data, kind, name):
        """Section 5: the plain text of an encrypted object."""
        if len(data) < 76 or data[:4] != b"KKP1" or data[4] != KINDS[kind]:
            raise Damaged(f"{name}: it is no {kind}")
        head = data[:60]
        key = self.structure if head[5] == 0 else self.capture(WRAPPED[head[5]], head[8:24].hex())
        frame = open_gcm(hkdf(key, head[24:56], "kubekeep/1 object"), self.id + head, data[60:-16], data[-16:])
        if frame is None:
            raise Damaged(f"{name}: its bytes are not those that were written")
        return unpack(frame, int.from_bytes(head[56:60], "little"), name)

    def capture(self, folder, capture):
        if capture not in self.captures:
            self.captures[capture] = self.unwrap([f"{folder}/{capture}.{one}.age" for one in range(self.newest, 0, -1)])
        return self.captures[capture]

    def get(self, kind, digest):
        name = f"{FOLDERS[kind]}/{digest[:2]}/{digest}"
        data = self.read(name)
        if hashlib.sha256(data).hexdigest() != digest:
            raise Damaged(f"{name}: its bytes are not those that were written")
        return self.opened(data, kind, name)

    def entries(self):
        """Section 8: names of the chain's entries, oldest first, without what others have put beside them."""
        return sorted(f"chain/{name}" for name in os.listdir(os.path.join(self.folder, "chain")) if re.fullmatch("[0-9a-f]{16}", name))

    def catalog(self):
        """Section 8: where old entries were removed, the bases that the newest catalog has, the entry to begin at and the hash of the one before it."""
        if os.path.exists(os.path.join(self.folder, f"chain/{1:016x}")):
            return {}, 1, bytes(32)
        name = self.entries()[-1]
        newest = self.read(name)
        if newest[76] != CATALOG:
            name = f"chain/{int.from_bytes(newest[68:76], 'big'):016x}"
        body = json.loads(self.opened(self.read(name)[84:-64], "entry", name))
        entries = [base64.b64decode(item["entry"]) for digest in body["lists"] for item in json.loads(self.get("table", digest)) if "entry" in item]
        found = {}
        for entry in entries:
            self.note(found, entry, name)
        return found, body["upTo"] + 1, bytes.fromhex(body["hash"])

    def note(self, found, entry, name):
        """Section 6: a base, or what members said of one: its own writer says so, once. Section 12: bases that are not alive any more."""
        if entry[76] == BASE:
            found[int.from_bytes(entry[4:12], "big")] = {**json.loads(self.opened(entry[84:-64], "entry", name)), "writer": entry[52:68]}
        elif entry[76] == RETIRE:
            for number in json.loads(self.opened(entry[84:-64], "entry", name))["bases"]:
                found.pop(number, None)
        elif entry[76] == BASE_HASHES:
            said = json.loads(self.opened(entry[84:-64], "entry", name))
            base = found.get(said["base"])
            if base and (base["writer"], base["revision"]) == (entry[52:68], said["revision"]):
                base.setdefault("hashes", said["hashes"])

    def bases(self):
        """Section 8: number and body of every base, from a chain whose hashes fit."""
        found, number, previous = self.catalog()
        for name in self.entries():
            missing = f"chain/{number:016x}"
            if name < missing:
                continue
            number = int(name[6:], 16)
            if name != missing:
                print(f"{missing} is missing, and {name} is there: what was said between them is not known", file=sys.stderr)
                previous = None
            entry = self.read(name)
            if entry[:4] != b"KKC1" or int.from_bytes(entry[4:12], "big") != number or previous not in (None, entry[12:44]):
                raise Damaged(f"{name}: it does not follow on the entry before it")
            self.note(found, entry, name)
            number, previous = number + 1, hashlib.sha256(entry).digest()
        return found

    def table(self, digest):
        """Section 6: page size, and for each page its pack and its place there."""
        numbers = Numbers(self.get("table", digest), f"table {digest}")
        size, pages = numbers.number(), numbers.number()
        places = self.table(numbers.raw(32).hex())[1][:pages] if numbers.number() == 1 else []
        places += [None] * (pages - len(places))
        packs = [numbers.raw(32).hex() for _ in range(numbers.number())]
        page = 0
        for _ in range(numbers.number()):
            page += numbers.number()
            count, pack, slot = numbers.number(), numbers.number(), numbers.number()
            for at in range(count):
                places[page + at] = (packs[pack], slot + at)
            page += count
        return size, places

    def write(self, base, path):
        size, places = self.table(base["table"])
        by_pack = {}
        for page, place in enumerate(places):
            if place is None:
                raise Damaged(f"table {base['table']}: it does not say where page {page} lies")
            by_pack.setdefault(place[0], []).append((page, place[1]))
        with open(path, "xb") as file:
            for pack, pages in by_pack.items():
                content = self.get("pack", pack)
                for page, slot in pages:
                    file.seek(page * size)
                    file.write(content[slot * size : (slot + 1) * size])
        digest = hashlib.sha256()
        with open(path, "r+b") as file:
            for piece in iter(lambda: file.read(1 << 20), b""):
                digest.update(piece)
            if digest.hexdigest() != base["sha256"] or file.tell() != base["length"]:
                raise Damaged(f"put together from its pages the base is not the file that etcd sent; {path} is of no use")
            file.write(digest.digest())

    def write_bundle(self, base, folder):
        """Section 6: the files of a bundle. CAs as NAME.crt and NAME.key; `kubernetes` is the one that clients trust."""
        bundle = json.loads(self.get("sealed", base["bundle"]["hash"]))
        secrets = json.loads(bundle["secrets"])
        files = {"sa.key": secrets["serviceAccountKey"], "encryption.yaml": bundle["encryptionConfiguration"], "cluster.yaml": bundle.get("clusterFile"), "known_hosts": bundle.get("knownHosts")}
        for name, authority in secrets["authorities"].items():
            if not name.replace("-", "").isalnum():
                raise Damaged(f"the bundle names a CA {name!r}, which is no name of a file")
            files.update({f"{name}.crt": authority["certificate"], f"{name}.key": authority["privateKey"]})
        os.mkdir(folder)
        for name, text in files.items():
            if text is not None:
                with open(os.path.join(folder, name), "x") as file:
                    file.write(text)


def main(arguments):
    if len(arguments) not in (2, 4):
        sys.exit(__doc__)
    os.umask(0o077)
    repository = Repository(*arguments[:2])
    bases = repository.bases()
    if len(arguments) == 2:
        for number, base in bases.items():
            print(number, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(base["time"] / 1000)), "revision", base["revision"], "etcd", base["etcd"], *["not to be used: members have something else"] * diverged(base))
        return
    wanted, path = arguments[2:]
    if wanted == "--bundle":
        sealed = [number for number, base in bases.items() if base.get("bundle")]
        if not sealed:
            sys.exit("no base has the keys of the cluster beside it")
        repository.write_bundle(bases[sealed[-1]], path)
        print(f"wrote {path}: the keys of the cluster from base {sealed[-1]}")
        return
    number = max((number for number, base in bases.items() if not diverged(base)), default=0) if wanted == "latest" else int(wanted)
    if number not in bases:
        sys.exit(f"there is no base {wanted}")
    if diverged(bases[number]):
        print(f"base {number} is not what most members of etcd had: use another one where there is one", file=sys.stderr)
    repository.write(bases[number], path)
    print(f"wrote {path}: revision {bases[number]['revision']}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Damaged as error:
        sys.exit(str(error))
