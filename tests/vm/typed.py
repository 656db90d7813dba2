#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A command in a shell on a terminal of its own, and what a person types into it; runs in the guest.

typed.py LOG COMMAND [QUESTION ANSWER]…: all it prints goes to LOG, as it comes. When QUESTION stands
there, behind the one before, ANSWER is typed. Ends with the status of the command.
"""
import os
import pty
import sys


def main():
    log, command, *words = sys.argv[1:]
    waiting = list(zip(words[0::2], words[1::2]))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv("/bin/bash", ["bash", "-c", command])
    text, seen = "", 0
    with open(log, "w", encoding="utf-8") as file:
        while True:
            try:
                data = os.read(terminal, 4096)
            except OSError:  # EIO: no program has the terminal open any more
                break
            text += data.decode(errors="replace")
            file.write(data.decode(errors="replace"))
            file.flush()
            while waiting and text.find(waiting[0][0], seen) >= 0:
                question, answer = waiting.pop(0)
                seen = text.index(question, seen) + len(question)
                os.write(terminal, answer.encode() + b"\n")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


sys.exit(main())
