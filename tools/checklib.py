# SPDX-License-Identifier: Apache-2.0
"""What every check shares: which files there are, and the self-test that shows the check failing.

A check is a function `check(root) -> [finding]`. Its self-test builds a small tree that is right, sees
no finding, then makes each of its `breaks` and must see one.
"""
import os
import pathlib
import subprocess
import sys
import tempfile


def tracked(root, *patterns):
    """Files of the tree by glob, in git's eyes where there is git, build output left out."""
    root = pathlib.Path(root)
    files = set()
    for pattern in patterns:
        files.update(root.glob(pattern))
    skip = ("build", "node_modules", "dist", ".git")
    rel = sorted(f.relative_to(root) for f in files if f.is_file())
    return [f for f in rel if not any(part in skip for part in f.parts)]


def read(root, rel):
    return (pathlib.Path(root) / rel).read_text(encoding="utf-8", errors="replace")


def write(root, rel, text):
    path = pathlib.Path(root) / rel
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(check, good, breaks):
    """good: {path: text} a tree without a finding. breaks: [(what, {path: text})]."""
    if sys.argv[1:] == ["--self-test"]:
        bad = 0
        with tempfile.TemporaryDirectory() as root:
            for rel, text in good.items():
                write(root, rel, text)
            findings = check(root)
            if findings:
                print("self-test: the good tree has findings:", *findings, sep="\n  ")
                bad += 1
        for what, files in breaks:
            with tempfile.TemporaryDirectory() as root:
                for rel, text in {**good, **files}.items():
                    write(root, rel, text)
                if not check(root):
                    print(f"self-test: not noticed: {what}")
                    bad += 1
        print(f"self-test: {len(breaks)} breaks, {bad} not noticed")
        sys.exit(1 if bad else 0)
    root = pathlib.Path(__file__).resolve().parent.parent
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"{os.path.basename(sys.argv[0])}: {len(findings)} findings")
    sys.exit(1 if findings else 0)
