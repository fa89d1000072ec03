"""The structure of the tree: include rule, function length, schema files. Each checker is first fed small trees with
one fault each, so that a checker that sees nothing fails here too. usage: test_structure.py <source folder>"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import attacks
import ctext
import functions
import includes
import schemas

SOURCE = os.path.abspath(sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1])
                         else os.path.join(os.path.dirname(__file__), "..", ".."))


class Tree(unittest.TestCase):
    """Makes small trees: a dict of path -> text."""

    def tree(self, files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for path, text in files.items():
            full = os.path.join(folder.name, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        return folder.name

    def assert_no_faults(self, faults):
        self.assertEqual([], faults, "\n" + "\n".join(faults))

    def assert_fault(self, faults, part):
        self.assertEqual(1, len(faults), faults)
        self.assertIn(part, faults[0])


class IncludeRule(Tree):
    def test_this_tree(self):
        service = os.path.join(SOURCE, "service")
        self.assertGreater(len(includes.sources(service)), 15)
        self.assert_no_faults(includes.faults(service))

    def test_downward_and_same_folder_are_allowed(self):
        self.assert_no_faults(includes.faults(self.tree({
            "base/a.h": "#include <stdio.h>\n", "base/b.c": '#include "base/a.h"\n',
            "domain/c.c": '#include "base/a.h"\n#include <string.h>\n',
            "cli/d.c": '#include "pipeline/e.h"\n', "pipeline/e.h": '#include "base/a.h"\n'})))

    def test_upward(self):
        self.assert_fault(includes.faults(self.tree({
            "base/a.h": '#include "log/b.h"\n', "log/b.h": ""})), "base/a.h:1: upward")

    def test_upward_past_comments(self):
        self.assert_fault(includes.faults(self.tree({
            "kafka/a.h": '/* x\n y */\n#  include "pipeline/b.h" /* why */\n', "pipeline/b.h": ""})),
            "kafka/a.h:3: upward")

    def test_comment_is_no_include(self):
        self.assert_no_faults(includes.faults(self.tree({
            "base/a.h": '/*\n#include "log/b.h"\n*/\n// #include "log/b.h"\n', "log/b.h": ""})))

    def test_sideways(self):
        self.assert_fault(includes.faults(self.tree({
            "redis/a.c": '#include "kafka/b.h"\n', "kafka/b.h": ""})), "sideways")

    def test_without_room(self):
        self.assert_fault(includes.faults(self.tree({"base/a.c": '#include "a.h"\n', "base/a.h": ""})),
                          "not written as room/file.h")

    def test_text_made_by_the_build(self):
        self.assert_no_faults(includes.faults(self.tree({"redis/a.c": '#include "scripts.inc"\n'})))
        self.assert_fault(includes.faults(self.tree({"redis/a.c": '#include "b.inc"\n', "redis/b.inc": ""})),
                          "not written as room/file.h")

    def test_ours_in_angle_brackets(self):
        self.assert_fault(includes.faults(self.tree({"log/a.c": "#include <base/a.h>\n", "base/a.h": ""})),
                          "is ours")

    def test_room_without_rank(self):
        self.assert_fault(includes.faults(self.tree({"attic/a.c": ""})), "no rank")

    def test_cycle_between_files(self):
        self.assert_fault(includes.faults(self.tree({
            "base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/c.h"\n',
            "base/c.h": '#include "base/a.h"\n'})), "base/a.h -> base/b.h -> base/c.h -> base/a.h")

    def test_impure_headers(self):
        for header in ("time.h", "unistd.h", "sys/socket.h", "librdkafka/rdkafka.h", "hiredis/hiredis.h",
                       "microhttpd.h", "fcntl.h"):
            with self.subTest(header):
                text = f"#include <{header}>\n"
                self.assert_fault(includes.faults(self.tree({"domain/a.c": text})), "in a pure room")
                self.assert_no_faults(includes.faults(self.tree({"kafka/a.c": text})))

    def test_impure_calls(self):
        self.assert_fault(includes.faults(self.tree({"base/a.c": 'void f(void)\n{\n    printf("x");\n}\n'})),
                          "base/a.c:3: printf()")
        self.assert_no_faults(includes.faults(self.tree({
            "base/a.c": 'void f(char *t)\n{\n    snprintf(t, 1, "time(");\n    clock->time(1); a.clock(2);\n}\n'})))


class FunctionLength(Tree):
    def test_this_tree(self):
        for folder in ("service", "tests"):
            self.assert_no_faults(functions.faults(os.path.join(SOURCE, folder)))

    def test_parser_finds_the_functions_of_this_tree(self):
        text = includes.read(os.path.join(SOURCE, "service"), "base/uuid.c")
        self.assertIn("uuid_parse", [name for name, _, _ in ctext.functions(text)])

    def function(self, lines, head="int f(int a)"):
        return head + "\n{\n" + "    a++;\n" * (lines - 3) + "}\n"

    def test_longest_allowed(self):
        self.assert_no_faults(functions.faults(self.tree({"a.c": self.function(80)})))

    def test_too_long(self):
        for head in ("int f(int a)", "static struct x *f(int a,\n    int (*g)(void))", "Test(uuid, reads, .init = f)"):
            with self.subTest(head):
                extra = head.count("\n")
                text = "struct s {\n int a;\n};\nint v[] = {1, 2};\n" + self.function(81 - extra, head)
                self.assert_fault(functions.faults(self.tree({"a.c": text})), "a.c:5: ")

    def test_braces_in_text_do_not_count(self):
        text = 'void f(void)\n{\n    char c = \'{\'; /* { */ // {\n    puts("{");\n#define X {\n}\n' + self.function(81)
        faults = functions.faults(self.tree({"a.c": text}))
        self.assert_fault(faults, "a.c:7: f has 81 lines")

    def test_tables_are_no_functions(self):
        text = "static const struct x t[] = {\n" + "    {F(1), 2},\n" * 100 + "};\n"
        self.assert_no_faults(functions.faults(self.tree({"a.c": text})))


class SchemaFiles(Tree):
    def setUp(self):
        self.files = {}
        for name in schemas.FILES:
            path = os.path.join(SOURCE, "schemas", name)
            with open(path, encoding="utf-8") as file:
                self.files[name] = json.load(file)

    def faults(self):
        return schemas.faults(self.tree({name: json.dumps(schema) for name, schema in self.files.items()}))

    def field(self, file, name):
        return next(field for field in self.files[file]["fields"] if field["name"] == name)

    def test_this_tree(self):
        self.assert_no_faults(schemas.faults(os.path.join(SOURCE, "schemas")))
        self.assert_no_faults(self.faults())

    def test_field_without_doc(self):
        del self.field("replace-command.avsc", "jobTime")["doc"]
        self.assert_fault(self.faults(), "field jobTime has no doc")

    def test_type_that_differs(self):
        credential = schemas.named_types(self.files["store-job.avsc"])["Credential"]
        credential["fields"][1]["doc"] = "something else"
        self.assertTrue(any("Credential differs from" in fault for fault in self.faults()))

    def test_missing_file(self):
        del self.files["store-job.avsc"]
        self.assert_fault(self.faults(), "store-job.avsc is missing")

    def test_order_of_fields(self):
        fields = self.files["replace-result.avsc"]["fields"]
        fields[0], fields[1] = fields[1], fields[0]
        self.assertIn("the contract 'resultId uuid'", self.faults()[0])

    def test_nullable_without_default(self):
        del self.field("store-inventory.avsc", "containerId")["default"]
        self.assert_fault(self.faults(), "containerId may be null and has no default null")

    def test_wrong_symbols(self):
        schemas.named_types(self.files["replace-result.avsc"])["ReplaceStatus"]["symbols"].reverse()
        self.assert_fault(self.faults(), "symbols")

    def test_file_that_is_not_whole(self):
        self.field("replace-command.avsc", "principal")["type"] = "Principal"
        self.assert_fault(self.faults(), "Principal is not defined in this file")


TOP = {
    ".ci", ".clang-format", ".clang-tidy", ".dockerignore", ".editorconfig", ".gitignore", "CHANGELOG.md", "CMakeLists.txt",
    "CMakePresets.json", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "docker", "docs", "helm", "schemas",
    "script", "service", "tests",
}


class TopLevel(Tree):
    def test_this_tree(self):
        """What is committed; a working tree may hold more."""
        if not os.path.exists(os.path.join(SOURCE, ".git")) or shutil.which("git") is None:
            self.skipTest("no clone, or no git: what is committed is not known")
        listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", SOURCE, "ls-files"], capture_output=True, text=True,
                                check=True).stdout
        self.assertEqual(TOP, {path.split("/")[0] for path in listed.splitlines()})


class AttackTable(Tree):
    CMAKE = ("foreach(name poison tool)\n  add_test(NAME broker_${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/python\n"
             "    ${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.py)\nendforeach()\n"
             "set(more test_b.c)  # test_c.c\ncertswap_test(NAME unit_x LABEL unit SOURCES test_a.c ${more})\n"
             "certswap_fuzz(NAME fuzz_x SOURCES fuzz_x.c CORPUS corpus)\n")

    def faults(self, *lines):
        table = "".join(f"| a | b | {line} |\n" for line in lines)
        return attacks.faults(self.tree({
            "docs/security.md": f"# S\n{attacks.HEADING}\n| attack | answer | test |\n|---|---|---|\n{table}## Next\n| c |\n",
            "tests/CMakeLists.txt": self.CMAKE, "tests/fuzz_x.c": "", "tests/test_c.c": "Test(c, d)\n{\n}\n",
            "tests/test_a.c": "Test(suite, one, .init = f)\n{\n}\n", "tests/test_b.c": "Test(suite, two)\n{\n}\n",
            "tests/test_poison.py": "class Poison:\n    def test_it(self):\n        pass\n    def help(self):\n        pass\n"}))

    def test_this_tree(self):
        self.assert_no_faults(attacks.faults(SOURCE))

    def test_names_that_exist(self):
        self.assert_no_faults(self.faults("`unit_x: suite.one`, `unit_x: suite.two`", "`fuzz_x`, `broker_tool`",
                                          "`broker_poison: Poison.test_it`, `tests/test_poison.py: Poison.test_it`"))

    def test_names_that_do_not(self):
        self.assert_fault(self.faults("`unit_y: suite.one`"), "no test unit_y")
        self.assert_fault(self.faults("`tests/test_tool.py: Tool.test_it`"), "no test tests/test_tool.py")
        self.assert_fault(self.faults("`unit_x: suite.three`"), "no case suite.three")
        self.assert_fault(self.faults("`unit_x: c.d`"), "no case c.d")
        self.assert_fault(self.faults("`broker_poison: Poison.help`"), "no case Poison.help")
        self.assert_fault(self.faults("`unit_x`"), "name the one")

    def test_a_line_without_a_test(self):
        self.assert_fault(self.faults("none yet"), "names of tests")
        self.assert_fault(self.faults(), "no table")


if __name__ == "__main__":
    unittest.main()
