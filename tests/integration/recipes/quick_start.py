# SPDX-License-Identifier: MIT
"""The commands of the quick starts, word for word: for the tests that type them."""

import pathlib
import re

DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"
PAGES = ("quickstart.md", "quickstart.fr.md", "quickstart.de.md")
COMMAND = r"((?:sudo |smctl ).*)$"


def sections(page):
    """(heading, text) of each."""
    parts = re.split(r"(?m)^## (.*)\n", (DOCS / page).read_text(encoding="utf-8"))
    return list(zip(parts[1::2], parts[2::2]))


def routes(page):
    """What the section without a number shows, a list of commands for each case: Home Assistant on
    this machine, on another, Jeedom with its plugin, Jeedom without."""
    text, = [text for heading, text in sections(page) if not heading[0].isdigit()]
    found = []
    for block in re.findall(r"(?m)(?:^    .*\n)+", text):
        found.append(re.findall(r"(?m)^    " + COMMAND, block))
    return found


def commands(page):
    """What the other sections have to be typed, in their order; without the other way to install, from
    a repository of one's own, whose tests are with the package."""
    text = "".join(text for heading, text in sections(page) if heading[0].isdigit())
    lines = re.findall(r"(?m)^    " + COMMAND, text)
    return [c for c in lines if "/sources.list.d/" not in c and not c.startswith("sudo apt update ")]


def jeedom_commands(page):
    """What who has Jeedom's plugin types: the installation, and what stands below its list."""
    install = [c for c in commands(page) if c.startswith("sudo apt install ./")]
    text = (DOCS / page).read_text(encoding="utf-8")
    return install + re.findall(r"(?m)^ {7}" + COMMAND, text)
