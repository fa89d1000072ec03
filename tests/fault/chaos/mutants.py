"""Shows that the campaign can fail: builds certswapd with one deliberate defect after the other, runs for each the
campaign that its patch asks for, and says which seed caught it. Usage: script/chaos --mutants [--control] [NAME...]

A mutant is a patch in tests/fault/mutants. What stands before its first "---" says what the defect is; a line
"chaos: OPTIONS" gives the campaign's options, "seeds: N..." what is tried (1 to 3 otherwise). With --control the seed
that caught a mutant is also run without it, and must find nothing."""
import argparse
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
PATCHES = os.path.join(HERE, "..", "mutants")
SCRATCH = os.path.join(SOURCE, "build-mutants")  # in no way part of the tree: .gitignore has it
TREE, BUILD = os.path.join(SCRATCH, "tree"), os.path.join(SCRATCH, "build")
BUILT_FROM = ("CMakeLists.txt", "schemas", "service", "tests/support")
CAMPAIGN_LIMIT_S = 900


class Mutant:
    def __init__(self, name):
        self.name, self.path = name, os.path.join(PATCHES, name + ".patch")
        with open(self.path, encoding="utf-8") as file:
            text = file.read().split("\n--- ")[0].strip().split("\n")
        self.options = next(line for line in text if line.startswith("chaos: ")).split()[1:]
        seeds = [line for line in text if line.startswith("seeds: ")]
        self.seeds = [int(seed) for seed in seeds[0].split()[1:]] if seeds else [1, 2, 3]
        self.what = " ".join(line for line in text if not line.startswith(("chaos: ", "seeds: "))).strip()
        self.bin = os.path.join(SCRATCH, "bin-" + name)


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def copy_tree():
    """Makes TREE what the product is built from; files that are the same already keep their time."""
    wanted = set(run(["git", "-C", SOURCE, "ls-files", "-co", "--exclude-standard", *BUILT_FROM]).split("\n")) - {""}
    for name in wanted:
        source, copy = os.path.join(SOURCE, name), os.path.join(TREE, name)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        with open(source, "rb") as file:
            content = file.read()
        if os.path.exists(copy):
            with open(copy, "rb") as file:
                if file.read() == content:
                    continue
        shutil.copyfile(source, copy)
    for folder, _, names in os.walk(TREE):
        for name in names:
            if os.path.relpath(os.path.join(folder, name), TREE) not in wanted:
                os.remove(os.path.join(folder, name))


def build(mutant, to):
    """Builds TREE, with the mutant's patch if there is one, and keeps the programs in `to`."""
    copy_tree()
    if mutant is not None:
        run(["patch", "-p1", "--no-backup-if-mismatch", "-r", "-", "-i", mutant.path], cwd=TREE)
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"])
    run(["cmake", "--build", BUILD, "--target", "certswapd", "certswap"])
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(os.path.join(BUILD, "bin"), to)


def campaign(programs, options, seed):
    """(exit status, output) of one campaign."""
    done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "campaign.py"), *options, "--seed", str(seed)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=os.environ | {"TEST_BIN": programs}, timeout=CAMPAIGN_LIMIT_S)
    return done.returncode, done.stdout


def first_violation(output):
    return next((line.removeprefix("violation").strip() for line in output.split("\n")
                 if line.startswith("violation")), output.strip().split("\n")[-1])


def try_mutant(mutant):
    """The seed that caught it and what was found, or None and what was seen last."""
    seen = "no seed was tried"
    for seed in mutant.seeds:
        begin = time.monotonic()
        status, output = campaign(mutant.bin, mutant.options, seed)
        seen = first_violation(output)
        if status == 1 and "\nviolation" in output:
            return seed, seen, time.monotonic() - begin
    return None, seen, 0


def main():
    known = sorted(name.removesuffix(".patch") for name in os.listdir(PATCHES) if name.endswith(".patch"))
    parser = argparse.ArgumentParser(prog="script/chaos --mutants")
    parser.add_argument("--control", action="store_true", help="the seed that caught a mutant must find nothing else")
    parser.add_argument("--build-only", action="store_true", help="see whether all patches apply and build")
    parser.add_argument("--fit", action="store_true", help="see whether all patches apply")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    options = parser.parse_args()
    for name in options.names:
        if name not in known:
            parser.error(f"there is no mutant {name}")
    mutants = [Mutant(name) for name in options.names or known]
    if options.fit:
        for mutant in mutants:
            run(["patch", "--dry-run", "--force", "-p1", "-r", "-", "-i", mutant.path], cwd=SOURCE)
        print(f"{len(mutants)} mutants fit")
        return
    os.makedirs(TREE, exist_ok=True)
    sound = os.path.join(SCRATCH, "bin")
    build(None, sound)
    for mutant in mutants:
        build(mutant, mutant.bin)
    print(f"{len(mutants)} mutants built", flush=True)
    if options.build_only:
        return
    missed = 0
    for mutant in mutants:
        seed, seen, seconds = try_mutant(mutant)
        if seed is None:
            missed += 1
            print(f"MISSED  {mutant.name}: {mutant.what}\n        seeds {mutant.seeds}; at last: {seen}", flush=True)
            continue
        print(f"caught  {mutant.name} by seed {seed} in {seconds:.0f} s: {mutant.what}\n        {seen}", flush=True)
        if options.control:
            status, output = campaign(sound, mutant.options, seed)
            if status != 0:
                missed += 1
                print(f"        BUT the program without it ends with {status}: {first_violation(output)}", flush=True)
    print(f"{len(mutants) - missed} of {len(mutants)} mutants caught")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
