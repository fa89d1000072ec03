"""Go programs that tests use: built once by the installed Go, then in the user's cache under a name made of what they
are built from. `python tools.py` builds them all."""
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "certswap", "go")
GO_AT_LEAST = (1, 24)

MODULES = {"helm": "helm.sh/helm/v3/cmd/helm@v3.22.0"}  # published programs, by module and version
FOLDERS = {"strict": os.path.join(TESTS, "chart", "strict")}  # our own, by folder


def why_not():
    """Why nothing can be built here; None where it can."""
    if shutil.which("go") is None:
        return "no Go"
    found = re.search(r"go(\d+)\.(\d+)", subprocess.run(["go", "version"], stdout=subprocess.PIPE, text=True,
                                                       check=True).stdout)
    if tuple(map(int, found.groups())) < GO_AT_LEAST:
        return f"Go {'.'.join(found.groups())} is older than {'.'.join(map(str, GO_AT_LEAST))}"
    return None


def identity(name):
    if name in MODULES:
        return MODULES[name]
    content = hashlib.sha256()
    for path in sorted(glob.glob(os.path.join(FOLDERS[name], "*"))):
        with open(path, "rb") as file:
            content.update(os.path.basename(path).encode() + b"\0" + file.read())
    return content.hexdigest()


def build(name, folder):
    command = (["go", "install", MODULES[name]] if name in MODULES else
               ["go", "build", "-o", os.path.join(folder, name), "."])
    done = subprocess.run(command, cwd=FOLDERS.get(name, folder), env=os.environ | {"GOBIN": folder},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-2000:]}")


def go_tool(name):
    """The path of the program."""
    folder = os.path.join(CACHE, f"{name}-{hashlib.sha256(identity(name).encode()).hexdigest()[:12]}")
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        with open(folder + ".lock", "w", encoding="utf-8") as lock:  # two that start at once build it once
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(path):
                build(name, folder)
    return path


if __name__ == "__main__":
    reason = why_not()
    if reason:
        sys.exit(reason)
    for tool in [*MODULES, *FOLDERS]:
        print(go_tool(tool))
