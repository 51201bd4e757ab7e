"""music-scanner for the laboratory's parent: configuration, start, stop, what it says."""
import json
import os

from . import controller
from .paths import LabError
from .space import PidFile, wait_until

NAME = "music-scanner"


def program():
    return controller.program(NAME)


def path(lab, *names):
    return os.path.join(lab.dir, "scanner", *names)


def write_conf(lab, zones=(), interval="1s", where=None, **options):
    """The configuration as a file; its path.  zones: names, none or '*' for all delegations.  Options replace lines:
    policy_delete=True writes policy.delete."""
    os.makedirs(path(lab), exist_ok=True)
    p = lab.state["parent"]
    names = [] if "*" in zones else [lab.zone_name(z) for z in zones]
    # Short waits: everything is on this machine, and what is broken on purpose should be noticed soon.
    conf = {"parent": {"zone": p["zone"], "primary": f"{p['update']['address']}@{p['update']['port']}", "key": p["tsig"]["file"]},
            "interval": interval, "retry-max": "4s",
            "resolver": {"root-hints": lab.state["root"]["hints"], "trust-anchor": lab.state["root"]["trust_anchor"], "keep": "5s"},
            "query": {"timeout": "600ms", "tries": 3, "tcp-timeout": "3s"},
            "policy": {"ns-min": 1},
            "state": path(lab, "state"), "report": path(lab, "report.json"), "log": {"level": "info"}}
    if names:
        conf["children"] = names
    for key, value in options.items():
        section, _, name = key.partition("_")
        if name:
            conf.setdefault(section, {})[name.replace("_", "-")] = value
        else:
            conf[section] = value
    where = where or path(lab, "scanner.yaml")
    with open(where, "w", encoding="utf-8") as f:
        for key, value in conf.items():
            if isinstance(value, dict):
                f.write(f"{key}:\n" + "".join(f"  {k}: {word(v)}\n" for k, v in value.items()))
            else:
                f.write(f"{key}: {word(value)}\n")
    return where


def word(v):
    if isinstance(v, list):
        return "[" + ", ".join(word(x) for x in v) + "]"
    return json.dumps(v) if isinstance(v, (bool, int)) else f'"{v}"'


def log_path(lab):
    return os.path.join(lab.dir, "log", NAME + ".log")


def start(lab, zones=(), interval="1s", **options):
    conf = write_conf(lab, zones, interval, **options)
    run = lab.daemon(NAME, [program(), "-c", conf])
    wait_until(lambda: run.pid() is None or os.path.getsize(log_path(lab)) > 0, 60, "the scanner's first words")
    if run.pid() is None:
        with open(log_path(lab), encoding="utf-8", errors="replace") as f:
            raise LabError("the scanner ended at once: " + f.read()[-800:])
    return run


def stop(lab):
    return PidFile(os.path.join(lab.dir, "pids", NAME)).stop()


def once(lab, zones=(), *args, **options):
    """One look at zones, every server asked: [verdict] as --output json prints them."""
    conf = write_conf(lab, (), where=path(lab, "once.yaml"), **options)
    r = lab.call([program(), "-c", conf, "--once", "-o", "json", *args, *[lab.zone_name(z) for z in zones]], timeout=150, check=False)
    if r.returncode not in (0, 1):
        raise LabError(f"music-scanner: exit status {r.returncode}\n{r.stderr}")
    return [json.loads(line) for line in r.stdout.splitlines()]


def has_reported(lab):
    """Is there a report?  That of a scanner that has just begun is waited for."""
    def there():
        return os.path.exists(path(lab, "report.json"))
    if PidFile(os.path.join(lab.dir, "pids", NAME)).pid() is not None:
        wait_until(there, 90, "the first report of music-scanner")
    return there()


def report(lab):
    """The last verdict on every child."""
    try:
        with open(path(lab, "report.json"), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return []


def human(verdicts):
    width = max((len(v["child"]) for v in verdicts), default=5)
    lines = [f"{'child':<{width}}  {'outcome':<12} changes  words"]
    lines += [f"{v['child']:<{width}}  {v['outcome']:<12} {v['changes']:>7}  {v['words']}" for v in sorted(verdicts, key=lambda v: v["child"])]
    return "\n".join(lines)
