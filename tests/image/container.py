"""Runs the programs of the image that script/image left, by an OCI runtime (crun), as a cluster would: the image's user, entry
point and environment; root read-only; process 1; no capabilities, no new privileges; the network is this machine's. What
shells the image has are taken out first. Without cgroups, which not every machine lets be made. Needs root.

container.py make             unpacks the image into the folder $TEST_IMAGE
container.py run PROGRAM ...  in the place of this process: its signals, standard streams and exit status are the
                              container's. PROGRAM certswapd is the image's entry point. Settings (CERTSWAP_*) are handed
                              on; the files and folders that they name are there, read-only
container.py clear            ends what still runs, which is a failure, and removes the folder"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "docker"))

from archive import Archive  # noqa: E402

ARCHIVE = os.path.join(SOURCE, "build-image", "certswap.oci.tar")
FOLDER = os.environ.get("TEST_IMAGE", os.path.join(SOURCE, "build-image", "test"))
ROOT, CONFIG, STATE, BUNDLES = (os.path.join(FOLDER, name) for name in ("root", "config.json", "state", "bundles"))
SHELLS = "sh", "bash", "rbash", "dash"

MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=64k"]},
]


def make():
    clear()
    os.makedirs(ROOT)
    os.makedirs(BUNDLES)
    with Archive(ARCHIVE) as archive:
        archive.unpack(ROOT)
        config = archive.config["config"]
    for folder in ("usr/bin", "usr/sbin", "usr/local/bin"):
        for shell in SHELLS:
            path = os.path.join(ROOT, folder, shell)
            if os.path.lexists(path):
                os.unlink(path)
    with open(CONFIG, "w", encoding="utf-8") as file:
        json.dump(config, file)


def bound(path, to=None):
    return {"destination": to or path, "type": "none", "source": os.path.realpath(path),
            "options": ["rbind", "ro", "nosuid", "nodev"]}


def bundle(program, arguments):
    """The OCI runtime specification of a run."""
    with open(CONFIG, encoding="utf-8") as file:
        image = json.load(file)
    uid, _, gid = image["User"].partition(":")
    settings = {name: value for name, value in os.environ.items() if name.startswith("CERTSWAP_")}
    named = [bound(value) for value in settings.values() if value.startswith("/") and os.path.exists(value)]
    entry = image["Entrypoint"] if program == "certswapd" else [f"/usr/bin/{program}"]
    return {
        "ociVersion": "1.0.2",
        "root": {"path": ROOT, "readonly": True},
        "mounts": MOUNTS + [bound("/etc/hosts"), bound("/etc/resolv.conf"), *named],
        "process": {
            "terminal": False, "user": {"uid": int(uid), "gid": int(gid)}, "cwd": image.get("WorkingDir") or "/",
            "args": [*entry, *arguments], "env": [*image.get("Env", []), *map("=".join, settings.items())],
            "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")},
            "noNewPrivileges": True},
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")],
                  "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi"],
                  "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}}


def run(program, *arguments):
    folder = tempfile.mkdtemp(prefix=f"{program}-", dir=BUNDLES)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(bundle(program, arguments), file)
    # crun refuses the cgroups of some machines even when it is to make none: in this mount namespace there are none.
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh",
                          *CRUN, "--cgroup-manager=disabled", "run", "--bundle", folder, os.path.basename(folder)])


CRUN = "crun", "--root", STATE


def clear():
    """Returns the containers that had to be ended."""
    left = [os.path.basename(path) for path in glob.glob(os.path.join(STATE, "*"))]
    for name in left:
        subprocess.run([*CRUN, "delete", "--force", name], check=False)
    shutil.rmtree(FOLDER, ignore_errors=True)
    return left


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    elif sys.argv[1:] == ["clear"]:
        remaining = clear()
        if remaining:
            sys.exit(f"still there: {' '.join(remaining)}")
    elif len(sys.argv) > 2 and sys.argv[1] == "run":
        run(*sys.argv[2:])
    else:
        sys.exit(__doc__)
