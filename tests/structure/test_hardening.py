"""Reads off programs that they were built as the OpenSSF's hardening guide asks; a program that was built without any
of it shows that its lack is seen. usage: test_hardening.py PROGRAM..., by script/test's release tier."""
import os
import platform
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = sys.argv[1:]
MACHINE = platform.machine()
MANY = 100  # functions, more than what the compiler links in has
WEAK = ("-fno-pie", "-no-pie", "-O1", "-fno-stack-protector", "-fno-stack-clash-protection", "-U_FORTIFY_SOURCE",
        "-Wl,-z,norelro,-z,lazy,-z,execstack,-rpath,/weak")
WEAK_FOR = {"x86_64": ("-fcf-protection=none",), "aarch64": ("-mbranch-protection=none",)}


def _said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "C"}).stdout


class Program:
    def __init__(self, path):
        self.headers = _said("readelf", "--wide", "--file-header", "--program-headers", path)
        self.dynamic = _said("readelf", "--wide", "--dynamic", path)
        self.symbols = _said("readelf", "--wide", "--dyn-syms", path)
        self.code = _said("objdump", "--disassemble", "--no-show-raw-insn", path)

    def _segments(self, kind):
        """The flags of the segments, as readelf writes them: `R E`."""
        return re.findall(rf"^ *{kind} .* 0x[0-9a-f]+ +([RWE ]{{3}}) 0x[0-9a-f]+$", self.headers, re.MULTILINE)

    def _has_symbol(self, pattern):
        return re.search(rf" {pattern}(@|$)", self.symbols, re.MULTILINE) is not None

    def lacks(self):
        """What the program lacks, by name."""
        has = {
            "position independence": "Type: DYN" in re.sub(" +", " ", self.headers) and "PIE" in self.dynamic,
            "relocations read-only": bool(self._segments("GNU_RELRO")),
            "binding at the start": "BIND_NOW" in self.dynamic,
            "a stack that is no code": self._segments("GNU_STACK") == ["RW "],
            "segments of code or data, not both": all("W" not in flags or "E" not in flags
                                                      for flags in self._segments("LOAD")),
            "code without relocations": "TEXTREL" not in self.dynamic,
            "no path of its own for libraries": not re.search("RPATH|RUNPATH", self.dynamic),
            "stack protector": self._has_symbol("__stack_chk_fail"),
            "fortified calls": self._has_symbol(r"__\w+_chk"),
        }
        # Of the code: that of Debian's C library has none, so the linker leaves the program's note of it away.
        if MACHINE == "x86_64":
            has["control flow protection"] = self.code.count("endbr64") > MANY
            has["stack probes"] = re.search(r"\bor[lq] +\$0x0,(0x[0-9a-f]+)?\(%rsp\)", self.code) is not None
        if MACHINE == "aarch64":
            has["branch protection"] = self.code.count("paciasp") > MANY
        return {name for name, good in has.items() if not good}


class Hardening(unittest.TestCase):
    def test_programs(self):
        self.assertTrue(PROGRAMS, __doc__)
        for path in PROGRAMS:
            with self.subTest(path):
                self.assertEqual(set(), Program(path).lacks())

    def test_a_weak_program(self):
        with tempfile.TemporaryDirectory() as folder:
            source, path = os.path.join(folder, "weak.c"), os.path.join(folder, "weak")
            with open(source, "w", encoding="utf-8") as file:
                file.write("#include <stdio.h>\n"
                           "int main(int n, char **texts) { char t[20000]; sprintf(t, texts[n - 1]); return t[n]; }\n")
            subprocess.run(["gcc", "-w", *WEAK, *WEAK_FOR.get(MACHINE, ()), source, "-o", path], check=True,
                           stderr=subprocess.DEVNULL)
            common = {"position independence", "relocations read-only", "binding at the start", "stack protector",
                      "a stack that is no code", "no path of its own for libraries", "fortified calls"}
            more = {"x86_64": {"control flow protection", "stack probes"}, "aarch64": {"branch protection"}}
            self.assertEqual(common | more.get(MACHINE, set()), Program(path).lacks())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
