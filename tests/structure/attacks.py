"""The attack table of docs/security.md: each line names tests that exist, by their CTest name (or their path, where
script/test runs them by itself) and, where a program has several, by the case within it."""
import ast
import os
import re

HEADING = "## Attacks, and the tests that try them"
NAMED = re.compile(r"`([a-z0-9_/.]+)(?:: ([A-Za-z0-9_.]+))?`")
COMMAND = re.compile(r"^\s*([a-z_]+)\(((?:[^()\"]|\"[^\"]*\"|\([^()]*\))*)\)", re.M)


def commands(text):
    """The commands of a CMakeLists.txt as (name, words), with loops over plain words unrolled."""
    loops = []
    for name, body in COMMAND.findall(re.sub(r"(?m)#.*$", "", text)):
        arguments = re.findall(r'"[^"]*"|[^\s"]+', body)
        if name == "foreach":
            loops.append(arguments)
        elif name == "endforeach":
            loops.pop()
        else:
            rounds = [arguments]
            for variable, *values in loops:
                rounds = [[word.replace("${%s}" % variable, value) for word in one] for one in rounds for value in values]
            yield from ((name, one) for one in rounds)


def registered(source):
    """CTest name -> the files that make it, of all tests of the tree, also of those that another build has."""
    tests = {}
    for folder, _, files in os.walk(os.path.join(source, "tests")):
        if "CMakeLists.txt" not in files:
            continue
        with open(os.path.join(folder, "CMakeLists.txt"), encoding="utf-8") as file:
            found = list(commands(file.read()))
        for name, arguments in found:
            if name not in ("certswap_test", "certswap_fuzz", "add_test") or "NAME" not in arguments:
                continue
            # What a list of files may be set to, in whichever build.
            lists = [word for other, words in found if other == "set" and "${%s}" % words[0] in arguments
                     for word in words[1:]]
            paths = [os.path.join(folder, word.replace("${CMAKE_CURRENT_SOURCE_DIR}", folder)
                                  .replace("${CMAKE_SOURCE_DIR}", source)) for word in arguments + lists]
            tests.setdefault(arguments[arguments.index("NAME") + 1], set()).update(
                path for path in paths if path.endswith((".c", ".py")) and os.path.isfile(path))
    return tests


def cases(path):
    """The cases of a test's file: suite.case of Criterion, Class.method of unittest."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".c"):
        return {f"{suite}.{case}" for suite, case in re.findall(r"^Test\((\w+), (\w+)", text, re.M)}
    return {f"{group.name}.{one.name}" for group in ast.parse(text).body if isinstance(group, ast.ClassDef)
            for one in group.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test")}


def rows(document):
    """(line number, cells) of what stands in the table under the heading."""
    inside = False
    for number, line in enumerate(document.splitlines(), 1):
        if line.startswith("## "):
            inside = line == HEADING
        elif inside and line.startswith("|") and not re.fullmatch(r"[-| ]+", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[0] != "attack":
                yield number, cells


def faults(source):
    with open(os.path.join(source, "docs", "security.md"), encoding="utf-8") as file:
        table = list(rows(file.read()))
    tests = registered(source)
    found = [] if table else [f"docs/security.md: no table under '{HEADING}'"]
    for number, cells in table:
        where = f"docs/security.md:{number}"
        named = NAMED.findall(cells[-1])
        if len(cells) != 3 or not named:
            found.append(f"{where}: a line is an attack, its answer and the names of tests")
            continue
        for test, case in named:
            if "/" in test and os.path.isfile(os.path.join(source, test)):
                tests[test] = {os.path.join(source, test)}
            known = set().union(*map(cases, tests.get(test, ())))
            if test not in tests:
                found.append(f"{where}: no test {test}")
            elif case and case not in known:
                found.append(f"{where}: {test} has no case {case}")
            elif known and not case:
                found.append(f"{where}: {test} has several cases, name the one")
    return found
