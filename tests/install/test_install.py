"""`make install`: what it installs, and that it works from there."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import TOP, make

PROGRAMS = ["bin/music-cli", "sbin/music-scanner", "sbin/musicd"]
FILES = ["lib/systemd/system/musicd.service", "lib/sysusers.d/music.conf", "share/bash-completion/completions/music-cli",
         "share/man/man1/music-cli.1", "share/man/man5/musicd.yaml.5", "share/man/man8/music-scanner.8", "share/man/man8/musicd.8",
         "share/music/musicd.yaml", "share/zsh/site-functions/_music-cli"]


def run(*argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, **kw)


def test_the_files(tree):
    assert tree.files() == {**{f: 0o755 for f in PROGRAMS}, **{f: 0o644 for f in FILES}}


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_are_of_this_version_and_have_their_page(tree, version, program):
    name = os.path.basename(program)
    r = run(tree.path(program), "--version")
    assert r.returncode == 0 and version in r.stdout, r
    page, = [f for f in FILES if re.fullmatch(rf"share/man/man\d/{name}\.\d", f)]
    assert f".Nm {name}\n" in tree.text(page).replace("\\-", "-")


def test_the_example_configuration_is_accepted(tree, tmp_path):
    """As the operators' guide has it: the file copied, tokens made; only the places are others."""
    example = tree.text("share", "music", "musicd.yaml")
    assert "/etc/music/tokens" in example and "/var/lib/music/" in example
    conf = tmp_path / "musicd.yaml"
    conf.write_text(example.replace("/etc/music", str(tmp_path)).replace("/var/lib/music", str(tmp_path)) +
                    f"\nresolver:\n  trust-anchor: {tmp_path}/root.key\n")
    (tmp_path / "root.key").write_text(". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
    r = run(tree.path("sbin/musicd"), "--check", "--config", str(conf))
    assert r.returncode == 66 and str(tmp_path / "tokens") in r.stderr, r      # the tokens are not there yet
    token = run(tree.path("bin/music-cli"), "token", "new", "boss", "--role", "admin", "--write", str(tmp_path / "token"))
    assert token.returncode == 0, token
    (tmp_path / "tokens").write_text(token.stdout)
    (tmp_path / "tokens").chmod(0o640)
    r = run(tree.path("sbin/musicd"), "--check", "--config", str(conf))
    assert r.returncode == 0, r
    conf.write_text(conf.read_text() + "stroe:\n  file: x\n")
    r = run(tree.path("sbin/musicd"), "--check", "--config", str(conf))
    assert r.returncode == 65 and "stroe" in r.stderr, r


def test_completion_is_loaded_by_the_shells(tree):
    r = run("bash", "-c", '. "$1" && complete -p music-cli', "bash", tree.path("share/bash-completion/completions/music-cli"))
    assert r.returncode == 0 and "music-cli" in r.stdout, r
    assert tree.text("share/zsh/site-functions/_music-cli").startswith("#compdef music-cli\n")


def test_the_account_is_made(tree, tmp_path):
    if not shutil.which("systemd-sysusers"):
        pytest.skip("no systemd-sysusers")
    os.makedirs(tmp_path / "etc")
    r = run("unshare", "-U", "-r", "systemd-sysusers", f"--root={tmp_path}", tree.path("lib/sysusers.d/music.conf"))
    assert r.returncode == 0, r
    accounts = dict(line.split(":", 1) for line in (tmp_path / "etc" / "passwd").read_text().splitlines())
    assert accounts["music"].endswith(":/var/lib/music:/usr/sbin/nologin"), accounts


def test_help_names_every_target():
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as f:
        targets = set(re.findall(r"^\.PHONY: (\S+)$", f.read(), re.M))
    told = set(re.findall(r"^make (\S+)", make("--no-print-directory", "help"), re.M))
    assert told == targets


def test_clean_knows_every_build_folder():
    """those that the Makefile, the tools or a test make"""
    named = set()
    for path in ("Makefile", "tools/check", "tests/system/test_judge.py"):
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            named |= set(re.findall(r"\bbuild-[a-z]+\b", f.read()))
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as f:
        removed = set(re.search(r"^\trm -rf (.*)$", f.read(), re.M)[1].split())
    assert named and named | {"build"} == removed
