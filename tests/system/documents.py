"""What stands in the documentation: its blocks, and every command that a reader may type."""
import collections
import os
import re

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

# A span of code whose first word is one of these, with more words behind it, is a command: a program, or an object of music-cli.
PROGRAMS = set("""make meson git music-cli musicd music-scanner lab/lab rndc knotc keymgr pdnsutil pdns_control dig kdig delv nsupdate
    systemctl journalctl sqlite3 kill chronyc tsig-keygen named-checkconf apt-get install cp nsenter curl nm openssl""".split())
OBJECTS = set("signer signergroup zone process token".split())

# how: sh and console (fenced blocks), algorithm (those of a section with a test of its own), inline (a span of code), man (an example of a manual page)
Command = collections.namedtuple("Command", "path how text")


def text_of(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as f:
        return f.read()


def documents():
    found = ["README.md", "CONTRIBUTING.md"]
    for folder, _, files in os.walk(os.path.join(TOP, "docs")):
        found += [os.path.relpath(os.path.join(folder, f), TOP) for f in sorted(files) if f.endswith(".md")]
    return found


def pages():
    return [os.path.join("docs", "man", f) for f in sorted(os.listdir(os.path.join(TOP, "docs", "man"))) if re.search(r"\.\d$", f)]


def sections(path):
    """(all but it, it): the section "Algorithm roll-over" of a signer's guide; it is typed by a test of its own."""
    text = text_of(path)
    m = re.search(r"^## Algorithm roll-over\n.*?(?=^## |\Z)", text, re.M | re.S)
    return (text[:m.start()] + text[m.end():], m[0]) if m else (text, "")


def pieces(path=None, section=None):
    """(kind, text) of what stands in a document, or in a part of it: ("sh", commands), ("test", what a comment asks of us), ..."""
    for m in re.finditer(r"^```([\w-]*)\n(.*?)^```$|^<!-- test: (.*?) -->$", text_of(path) if section is None else section, re.M | re.S):
        yield ("test", m[3]) if m[3] else (m[1], m[2])


def commands(block, how="sh"):
    """The command lines of a block, without prompts, comments and what the commands say; a line that ends with a backslash goes on."""
    lines = block.splitlines()
    if how == "console":
        lines = [line[2:] for line in lines if line.startswith(("$ ", "# "))]
    lines = [line.split(" # ")[0].rstrip() for line in lines]
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def spans(path):
    """Commands in the text, each once."""
    text = re.sub(r"^```.*?^```", "", text_of(path), flags=re.M | re.S)
    found = [" ".join(s.replace("\\|", "|").split()) for s in re.findall(r"`([^`]+)`", text)]
    return [s for s in dict.fromkeys(found) if is_command(s)]


def is_command(span):
    words = span.split()
    while words and re.fullmatch(r"[A-Z]+=\S+", words[0]):
        words.pop(0)
    return span.startswith("build/tests/") or len(words) > 1 and (words[0] in PROGRAMS | OBJECTS or words[0].startswith("tools/"))


def examples(page):
    m = re.search(r"^\.Sh EXAMPLES\n(.*?)(?=^\.Sh )", text_of(page), re.M | re.S)
    lines = m[1].replace("\\-", "-").splitlines() if m else []
    return [line.removeprefix(".Dl $ ") for line in lines if line.removeprefix(".Dl $ ").split()[0] in PROGRAMS]


def every_command():
    for path in documents():
        for own, part in enumerate(sections(path)):
            for kind, text in pieces(section=part):
                if kind in ("sh", "console"):
                    yield from (Command(path, "algorithm" if own else kind, line) for line in commands(text, kind).splitlines())
        yield from (Command(path, "inline", s) for s in spans(path))
    for page in pages():
        yield from (Command(page, "man", line) for line in examples(page))
