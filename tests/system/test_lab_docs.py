"""Every command of docs/lab.md is right: run them in order, in a laboratory of our own."""
import os
import re
import subprocess

from conftest import new_lab
from musiclab.lab import Lab

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def commands():
    with open(os.path.join(TOP, "docs", "lab.md"), encoding="utf-8") as f:
        for block in re.findall(r"^```sh\n(.*?)^```", f.read(), re.M | re.S):
            for line in block.splitlines():
                yield line.split(" #")[0].strip()


def test_commands_of_the_manual(packages):
    demo = new_lab("doc")
    env = {**os.environ, "LAB": demo.name}
    done = 0
    try:
        for command in commands():
            command = command.replace("lab/run/demo", os.path.relpath(demo.dir, TOP)).replace("--name second", f"--name {demo.name}b")
            r = subprocess.run(command, shell=True, cwd=TOP, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=150, check=False)
            assert r.returncode == 0, f"{command}\n{r.stdout}"
            if " ask " in command:
                assert r.stdout.count(": secure") == 2, r.stdout
            if "nsupdate" in command or " delv " in command or " dig " in command:
                assert "bogus" not in r.stdout and "SERVFAIL" not in r.stdout, r.stdout
            if " delv " in command:
                assert "fully validated" in r.stdout, r.stdout
            if "zone watch" in command:
                assert "ADD-SIGNER knot" in r.stdout and r.stdout.endswith("done\n"), r.stdout
            done += 1
    finally:
        for name in (demo.name, demo.name + "b"):
            Lab(name).down(keep=False)
    assert done > 70
