"""Laboratories for tests.

make_lab(**options)   a laboratory for one test, any number of them; options are those of Lab.up (signers, secondaries,
                      v6only, hsm, notify)
lab                   one laboratory with bind, knot and pdns, shared by the tests of a module (give zones distinct names)

A laboratory always ends with its test, also when the test fails; then its folder with all logs stays in lab/run/.
"""
import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lab"))
from musiclab.fetch import fetch  # noqa: E402
from musiclab.lab import Lab  # noqa: E402
from musiclab.paths import LabError, host_suite  # noqa: E402

_numbers = itertools.count(1)


def new_lab(hint="t"):
    return Lab(f"{hint}-{os.getpid()}-{next(_numbers)}")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; only in check-long")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for node in item.listchain():
            node.musiclab_failed = True


@pytest.fixture(scope="session")
def packages():
    return fetch()


def fetch_other():
    """The name of the other Debian release, whose servers a laboratory can have beside this machine's; they are fetched."""
    suite = {"bookworm": "trixie", "trixie": "bookworm"}.get(host_suite())
    if not suite:
        pytest.skip("neither Debian 12 nor 13")
    try:
        fetch(suite, say=lambda *_: None)
    except LabError as e:
        pytest.skip(f"no packages of {suite}: {e}")
    return suite


def _end(lab, node):
    failed = getattr(node, "musiclab_failed", False)
    lab.down(keep=failed)
    if failed:
        print(f"logs of the laboratory: {lab.dir}", file=sys.stderr)


@pytest.fixture
def make_lab(request, packages):
    made = []

    def make(**options):
        lab = new_lab()
        made.append(lab)
        return lab.up(**options)
    yield make
    for lab in made:
        _end(lab, request.node)


@pytest.fixture(scope="module")
def lab(request, packages):
    shared = new_lab("m")
    try:
        yield shared.up()
    finally:
        _end(shared, request.node)
