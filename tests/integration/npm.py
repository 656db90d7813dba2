# SPDX-License-Identifier: MIT
"""Packages of npm for tests, installed once per build; without npm or its registry a test is skipped."""

import json
import os
import shutil
import subprocess

from private_bus import BUILD

WAIT = 600


def packages(case, *names):
    """The folder whose node_modules has them."""
    folder = BUILD / "npm"
    if not shutil.which("npm") or not shutil.which("node"):
        case.skipTest("skipped: no npm")
    folder.mkdir(exist_ok=True)
    have = folder / "node_modules"
    missing = [name for name in names if not (have / name.rsplit("@", 1)[0] / "package.json").exists()]
    if missing:
        (folder / "package.json").touch()
        (folder / "package.json").write_text((folder / "package.json").read_text()
                                             or json.dumps({"private": True}))
        try:
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error",
                                   *missing], cwd=folder, capture_output=True, text=True,
                                  timeout=WAIT, check=False)
        except subprocess.TimeoutExpired:
            case.skipTest("skipped: npm does not come to an end")
        if done.returncode:
            case.skipTest(f"skipped: npm cannot get {' '.join(missing)}: {done.stderr[-200:]}")
    return folder


def environment(folder, env):
    return dict(env, NODE_PATH=os.fspath(folder / "node_modules"))
