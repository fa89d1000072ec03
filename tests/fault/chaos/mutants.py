"""Shows that the campaign can fail: builds certswapd with one deliberate defect after the other, runs for each the
campaign that its patch asks for, and says which seed caught it.
Usage: script/chaos --mutants [--control] [--jobs N] [NAME...]

A mutant is a patch in tests/fault/mutants. What stands before its first "---" says what the defect is; a line
"chaos: OPTIONS" gives the campaign's options, "seeds: N..." what is tried (1 to 3 otherwise). A seed that caught a
mutant only by what did not come in time is also run without it, and must find nothing: on a loaded machine that can
have another cause. With --control every seed that caught one is. At the end stands which seed caught which."""
import argparse
import collections
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
PATCHES = os.path.join(HERE, "..", "mutants")
SCRATCH = os.path.join(SOURCE, "build-mutants")  # in no way part of the tree: .gitignore has it
TREE, BUILD = os.path.join(SCRATCH, "tree"), os.path.join(SCRATCH, "build")
BUILT_FROM = ("CMakeLists.txt", "LICENSE", "schemas", "service", "tests/support")
CAMPAIGN_LIMIT_S = 900
LACKS = (" came to nothing within ", " has 0 results", " has 0 dead letters", " has committed ")  # of violations


class Mutant:
    def __init__(self, name):
        self.name, self.path = name, os.path.join(PATCHES, name + ".patch")
        with open(self.path, encoding="utf-8") as file:
            whole = file.read()
        text, patch = whole.split("\n--- ")[0].strip().split("\n"), whole.split("\n")
        self.options = next(line for line in text if line.startswith("chaos: ")).split()[1:]
        seeds = [line for line in text if line.startswith("seeds: ")]
        self.seeds = [int(seed) for seed in seeds[0].split()[1:]] if seeds else [1, 2, 3]
        self.files = [line.removeprefix("+++ b/").strip() for line in patch if line.startswith("+++ b/")]
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


def configure():
    run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
         "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"])


def apply(mutant):
    run(["patch", "-p1", "--no-backup-if-mismatch", "-r", "-", "-i", mutant.path], cwd=TREE)


def build(mutant, to):
    """Builds TREE, with the mutant's patch if there is one, and keeps the programs in `to`."""
    copy_tree()
    if mutant is not None:
        apply(mutant)
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        configure()
    run(["cmake", "--build", BUILD, "--target", "certswapd", "certswap"])
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(os.path.join(BUILD, "bin"), to)


def check_fit(mutants):
    """Whether the copied tree configures, and each patch applies to it and leaves C that the compiler takes."""
    copy_tree()
    configure()
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        commands = {os.path.relpath(entry["file"], TREE): entry for entry in json.load(file)}
    for mutant in mutants:
        copy_tree()
        apply(mutant)
        for name in mutant.files:
            if name in commands:
                run([*shlex.split(commands[name]["command"]), "-fsyntax-only"], cwd=commands[name]["directory"])


Outcome = collections.namedtuple("Outcome", "mutant seed seen seconds objection")


def campaign(programs, options, seed):
    """(exit status, output) of one campaign."""
    try:
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "campaign.py"), *options, "--seed", str(seed)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env=os.environ | {"TEST_BIN": programs}, timeout=CAMPAIGN_LIMIT_S)
    except subprocess.TimeoutExpired:
        return None, f"the campaign did not end within {CAMPAIGN_LIMIT_S} s"
    return done.returncode, done.stdout


def most_telling(output):
    """(a violation, whether it is more than that something did not come in time); the last line where none is."""
    found = [line.removeprefix("violation").strip() for line in output.split("\n") if line.startswith("violation")]
    wrong = [line for line in found if not line.startswith("and ") and not any(lack in line for lack in LACKS)]
    return (wrong or found or output.strip().split("\n")[-1:])[0], bool(wrong)


def try_mutant(mutant, sound, control):
    """Runs its seeds until one catches it. `sound`: the programs without it; `control`: these are always run too."""
    begin, seen, doubted = time.monotonic(), "no seed was tried", None
    for seed in mutant.seeds:
        status, output = campaign(mutant.bin, mutant.options, seed)
        seen, is_wrong = most_telling(output)
        if status != 1 or "\nviolation" not in output:
            continue
        caught = Outcome(mutant, seed, seen, time.monotonic() - begin, None)
        if is_wrong and not control:
            return caught
        status, output = campaign(sound, mutant.options, seed)
        if status == 0:
            return caught
        doubted = caught._replace(objection=f"the program without it ends with {status}: {most_telling(output)[0]}")
    return doubted or Outcome(mutant, None, seen, time.monotonic() - begin, None)


def tell(outcome):
    mutant, seed, seen, seconds, objection = outcome
    if seed is None:
        print(f"MISSED  {mutant.name}: {mutant.what}\n        seeds {mutant.seeds}; at last: {seen}", flush=True)
        return
    print(f"caught  {mutant.name} by seed {seed} in {seconds:.0f} s: {mutant.what}\n        {seen}", flush=True)
    if objection is not None:
        print(f"        BUT {objection}", flush=True)


def main():
    known = sorted(name.removesuffix(".patch") for name in os.listdir(PATCHES) if name.endswith(".patch"))
    parser = argparse.ArgumentParser(prog="script/chaos --mutants")
    parser.add_argument("--control", action="store_true",
                        help="every seed that caught a mutant must find nothing without it")
    parser.add_argument("--jobs", type=int, default=1, help="campaigns at a time (default: 1)")
    parser.add_argument("--build-only", action="store_true", help="see whether all patches apply and build")
    parser.add_argument("--built", action="store_true", help="use what --build-only has built")
    parser.add_argument("--fit", action="store_true", help="see whether the patches apply and compile")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    options = parser.parse_args()
    for name in options.names:
        if name not in known:
            parser.error(f"there is no mutant {name}")
    mutants = [Mutant(name) for name in options.names or known]
    if options.fit:
        check_fit(mutants)
        print(f"{len(mutants)} mutants fit")
        return
    os.makedirs(TREE, exist_ok=True)
    sound = os.path.join(SCRATCH, "bin")
    if not options.built:
        build(None, sound)
        for mutant in mutants:
            build(mutant, mutant.bin)
        print(f"{len(mutants)} mutants built", flush=True)
    if options.build_only:
        return
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        tries = [pool.submit(try_mutant, mutant, sound, options.control) for mutant in mutants]
        for done in concurrent.futures.as_completed(tries):
            outcomes.append(done.result())
            tell(outcomes[-1])
    print("\nmutant                    caught by seed")
    for outcome in sorted(outcomes, key=lambda outcome: outcome.mutant.name):
        print(f"{outcome.mutant.name:25} {outcome.seed or '-'}" + (", in doubt" if outcome.objection else ""))
    caught = sum(outcome.seed is not None and outcome.objection is None for outcome in outcomes)
    print(f"{caught} of {len(mutants)} mutants caught")
    sys.exit(0 if caught == len(mutants) else 1)


if __name__ == "__main__":
    main()
