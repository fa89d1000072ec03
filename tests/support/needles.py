"""What private keys and passwords look like wherever they may turn up, and a search that finds them, and pieces of
them, in files and in the memory of processes."""
import base64
import itertools
import os

from cryptography.hazmat.primitives.asymmetric import ec, rsa

# A piece of so many bytes in a row is a find: freed memory may have lost its beginning, and chance makes none.
PIECE = 16
_WORD = 8
_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)


def _base64_at(data, shift):
    """The digits that `data` alone decides in a base64 text where `shift` bytes of others stand before it."""
    digits = base64.b64encode(bytes(shift) + data + bytes(2))
    return digits[-(-shift * 8 // 6):(shift + len(data)) * 8 // 6]


def _texts_of(data):
    """The bytes as text. Lines broken as in PEM leave pieces that are long enough."""
    for shift in range(3):
        yield "base64", _base64_at(data, shift)
    yield "hex", data.hex().encode()
    yield "hex", data.hex().upper().encode()


def _numbers_of(key):
    """The secret numbers of a private key with their sizes in bytes."""
    private = key.private_numbers()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return [(private.private_value, (key.key_size + 7) // 8)]
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = private.d, private.p, private.q, private.dmp1, private.dmq1, private.iqmp
        return [(number, (number.bit_length() + 7) // 8) for number in numbers]
    raise TypeError(f"no form is known of a {type(key).__name__}")


def _fields(der):
    """(tag, content) of each element of a row of DER elements; ValueError where it is none."""
    while der:
        if len(der) < 2:
            raise ValueError("no DER")
        size, head = der[1], 2
        if size > 0x80:
            head += size - 0x80
            size = int.from_bytes(der[2:head], "big")
        if head + size > len(der):
            raise ValueError("no DER")
        yield der[0], der[head:head + size]
        der = der[head + size:]


def _leaves(der):
    """The elements that hold no others; an OCTET STRING may hold some."""
    for tag, content in _fields(der):
        try:
            inner = list(_leaves(content)) if tag & 0x20 or tag == 0x04 else []
        except ValueError:
            inner = []
        yield from inner or [content]


class Needles:
    """Secrets by name, each in all its forms. `found_in` and its like give a set of (name, form)."""

    def __init__(self):
        self._needles = []  # (name, form, bytes)
        self._words = {}  # each word of each needle: [(index of the needle, offset)]

    def _add(self, name, form, data):
        if len(data) < PIECE:
            raise ValueError(f"{name}: {form} is shorter than {PIECE} bytes")
        for offset in range(len(data) - _WORD + 1):
            word = int.from_bytes(data[offset:offset + _WORD], "little")
            self._words.setdefault(word, []).append((len(self._needles), offset))
        self._needles.append((name, form, data))

    def add_key(self, name, key):
        """A private key: its secret numbers as DER holds them (PKCS#8, PKCS#1, SEC1), as OpenSSL's BIGNUM does, and as
        text, of which PEM is one."""
        for number, size in _numbers_of(key):
            big = number.to_bytes(size, "big")
            self._add(name, "number", big)
            self._add(name, "number, little endian", big[::-1])
            for form, text in itertools.chain(_texts_of(big), _texts_of(big[::-1])):
                self._add(name, form, text)

    def add_password(self, name, password):
        utf8 = password.encode()
        self._add(name, "UTF-8", utf8)
        self._add(name, "UTF-16BE", password.encode("utf-16-be"))  # as PKCS#12 derives keys from it
        for form, text in _texts_of(utf8):
            self._add(name, form, text)

    def add_ciphertext(self, name, der):
        """A file that is encrypted in itself, such as a PKCS#12 or an encrypted PKCS#8, by its largest ciphertext: the
        rest of it is like that of others."""
        data = max(_leaves(der), key=len)
        self._add(name, "ciphertext", data)
        for form, text in _texts_of(data):
            self._add(name, form, text)

    def forms(self):
        return {(name, form) for name, form, _ in self._needles}

    def examples(self):
        """(name, form, bytes) of every form: what a search must find."""
        return list(self._needles)

    def _look(self, data, found, where):
        """`data`: whole words. Any PIECE in it has a word at a multiple of the word's size."""
        words = memoryview(data).cast("Q")
        if self._words.keys().isdisjoint(words):
            return
        for index, word in enumerate(words):
            for number, offset in self._words.get(word, ()):
                name, form, needle = self._needles[number]
                at = index * _WORD
                before = 0
                while before < min(offset, at) and data[at - before - 1] == needle[offset - before - 1]:
                    before += 1
                after = _WORD
                while (offset + after < len(needle) and at + after < len(data)
                       and data[at + after] == needle[offset + after]):
                    after += 1
                if before + after >= PIECE:
                    found.setdefault((name, form), where(at - before, before + after))

    def _search(self, read, where):
        """`read(n)` gives the next n bytes, none at the end; chunks overlap by what a piece needs."""
        found, kept, at = {}, b"", 0
        while chunk := read(_CHUNK):
            if chunk != _ZEROS or kept.strip(b"\0"):
                data = kept + chunk
                start = at - len(kept)
                self._look(data + bytes(-len(data) % _WORD), found,
                           lambda offset, length, start=start: where(start + offset, length))
                kept = data[-2 * PIECE:]
            at += len(chunk)
        return found

    def found_in(self, data):
        """{(name, form): where} of bytes."""
        view, position = memoryview(data), 0

        def read(size):
            nonlocal position
            piece = bytes(view[position:position + size])
            position += len(piece)
            return piece
        return self._search(read, lambda at, length: f"{length} bytes at {at}")

    def found_in_folder(self, folder):
        """The same of all files below a folder."""
        found = {}
        for path in (os.path.join(root, name) for root, _, names in os.walk(folder) for name in names):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found |= self._search(file.read, lambda at, length, path=path: f"{length} bytes at {at} of {path}")
        return found

    def found_in_process(self, pid):
        """The same of a process's memory: all that it could have written to. Root may read what forbids itself dumps."""
        found = {}
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in maps:
                limits, rights, _, _, inode, *label = line.split()
                label = label[0] if label else "anonymous"
                if rights[0] != "r" or label in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                    continue
                if rights[1] != "w" and inode != "0":
                    continue
                start, end = (int(limit, 16) for limit in limits.split("-"))
                memory.seek(start)

                def read(size, end=end):
                    return memory.read(min(size, end - memory.tell()))
                found |= self._search(read, lambda at, length, start=start, label=label:
                                      f"{length} bytes at {start + at:#x} in {label}")
        return found
