# SPDX-License-Identifier: MIT
"""What a UART makes of bits that were sent with other settings: sampled in the middle of each bit,
as the chips do, so that a wrong speed or parity garbles exactly as it does on a real line."""

from collections import namedtuple

Line = namedtuple("Line", "baud bits parity stop")
# One received character: when it is complete (seconds after the first bit), its value, and "parity",
# "frame" or None.
Char = namedtuple("Char", "time value error")


def parse_line(text):
    """"2400 8E1" -> Line."""
    baud, form = text.split()
    line = Line(int(baud), int(form[0]), form[1], float(form[2:]))
    if line.baud <= 0 or line.bits not in (5, 6, 7, 8) or line.parity not in "NEOMS" or line.stop not in (1, 1.5, 2):
        raise ValueError("no line settings: " + text)
    return line


def format_line(line):
    return "%d %d%s%g" % line


def parity_of(value, parity):
    odd = bin(value).count("1") & 1
    return {"E": odd, "O": 1 - odd, "M": 1, "S": 0}[parity]


def bits_per_char(line):
    return 1 + line.bits + (line.parity != "N") + line.stop


def levels(data, line):
    """The line's levels, one for each half bit (1.5 stop bits are three)."""
    out = []
    for byte in data:
        value = byte & ((1 << line.bits) - 1)
        char = [0] + [value >> i & 1 for i in range(line.bits)]
        if line.parity != "N":
            char.append(parity_of(value, line.parity))
        for level in char:
            out += (level, level)
        out += [1] * int(2 * line.stop)
    return out


def receive(data, sender, receiver):
    """What arrives at `receiver` of `data` sent without a pause: a list of Char."""
    if sender == receiver:
        mask, each = (1 << sender.bits) - 1, bits_per_char(sender) / sender.baud
        return [Char((i + 1) * each, byte & mask, None) for i, byte in enumerate(data)]
    wave, half = levels(data, sender), 0.5 / sender.baud
    bit = 1.0 / receiver.baud

    def at(time):
        i = int(time / half)
        return wave[i] if i < len(wave) else 1

    out, i = [], 0
    while i < len(wave):
        # a start bit begins with a falling edge
        if wave[i] != 0 or (i > 0 and wave[i - 1] == 0):
            i += 1
            continue
        begin = i * half
        if at(begin + bit / 2) != 0:  # shorter than half a bit: the chip takes it for noise
            i += 1
            continue
        value = sum(at(begin + (1.5 + k) * bit) << k for k in range(receiver.bits))
        n, error = receiver.bits, None
        if receiver.parity != "N":
            if at(begin + (1.5 + n) * bit) != parity_of(value, receiver.parity):
                error = "parity"
            n += 1
        stop = begin + (1.5 + n) * bit
        if at(stop) != 1:
            error = "frame"
        out.append(Char(stop, value, error))
        i = max(i + 1, int(stop / half))
        # after a framing error the next start bit needs a falling edge again; the loop looks for one
    return out
