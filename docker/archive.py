#!/usr/bin/env python3
"""The archive of an image, as buildah (OCI) and `docker save` write it: its configuration, and the files that its layers
make together. As a command: archive.py ARCHIVE prints how many megabytes its layers are when compressed."""
import contextlib
import json
import os
import shutil
import sys
import tarfile
import zlib

HIDDEN = ".wh."  # before a name: what the layers below have there is gone
OPAQUE = ".wh..wh..opq"  # in a folder: so is all that they have in it
GZIP = b"\x1f\x8b"


def _blob(digest):
    return "blobs/" + digest.replace(":", "/")


class Archive:
    def __init__(self, path):
        self._tar = tarfile.open(path)
        names = self._tar.getnames()
        if "manifest.json" in names:
            manifest = self._json("manifest.json")[0]
            config, self._layers = manifest["Config"], manifest["Layers"]
        else:
            manifest = self._json(_blob(self._json("index.json")["manifests"][0]["digest"]))
            config = _blob(manifest["config"]["digest"])
            self._layers = [_blob(layer["digest"]) for layer in manifest["layers"]]
        self.config = self._json(config)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._tar.close()

    def _json(self, name):
        with self._tar.extractfile(name) as file:
            return json.load(file)

    def compressed_bytes(self):
        """Of all layers, as a registry takes them: gzip, whatever the archive has."""
        total = 0
        for name in self._layers:
            with self._tar.extractfile(name) as file:
                if file.read(len(GZIP)) == GZIP:
                    total += self._tar.getmember(name).size
                    continue
                file.seek(0)
                packer = zlib.compressobj()
                while chunk := file.read(1 << 20):
                    total += len(packer.compress(chunk))
                total += len(packer.flush())
        return total

    def _changes(self):
        """(tar, member, path, hides) from the lowest layer up, in each first what hides what lies below it: there `hides`
        is "path" or "content" of the folder. Paths are without "./" and "/" before them."""
        for name in self._layers:
            with self._tar.extractfile(name) as file, tarfile.open(fileobj=file) as layer:
                layer.extraction_filter = lambda member, _: member
                members = [(member, *os.path.split(os.path.normpath("/" + member.name).lstrip("/"))) for member in layer]
                for member, folder, base in members:
                    if base == OPAQUE:
                        yield layer, member, folder, "content"
                    elif base.startswith(HIDDEN):
                        yield layer, member, os.path.join(folder, base.removeprefix(HIDDEN)), "path"
                for member, folder, base in members:
                    if not base.startswith(HIDDEN):
                        yield layer, member, os.path.join(folder, base), None

    def files(self, wanted):
        """The content, by path, of the regular files whose path `wanted` says yes to."""
        found = {}
        for layer, member, path, hides in self._changes():
            if hides:
                found = {old: content for old, content in found.items()
                         if not (old.startswith(path + "/") or (hides == "path" and old == path))}
            elif member.isreg() and wanted(path):
                found[path] = layer.extractfile(member).read()
        return found

    def unpack(self, root):
        """Makes the files in the folder, with their owners and modes; for root."""
        for layer, member, path, hides in self._changes():
            target = os.path.join(root, path)
            if hides == "content":
                for old in os.listdir(target):
                    _remove(os.path.join(target, old))
            elif hides == "path" or not (member.isdir() and os.path.isdir(target)):
                _remove(target)
            if not hides:
                layer.extract(member, root, numeric_owner=True)


def _remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


if __name__ == "__main__":
    with Archive(sys.argv[1]) as asked_for:
        print(round(asked_for.compressed_bytes() / 1e6))
