# SPDX-License-Identifier: MIT
"""A year and more of a household that never was: what its counters show at each quarter hour, and, by
another way, what it draws and feeds in on each day of a time zone."""

import contextlib
import datetime
import math
import random
import sqlite3
import zoneinfo

QUARTER = 900
ZONE = "Europe/Zurich"  # has days of 23 and 25 hours


class Year:
    def __init__(self, end, days=420, start=4321000, fed=987000, seed=17):
        """Counters of the quarters up to `end`, seconds since 1970."""
        self.end = int(end) // QUARTER * QUARTER
        self.begin = self.end - days * 96 * QUARTER
        self.zone = zoneinfo.ZoneInfo(ZONE)
        chance = random.Random(seed)
        self.counters = {self.begin: (start, fed)}
        self.powers = {}
        for t in range(self.begin + QUARTER, self.end + 1, QUARTER):
            local = datetime.datetime.fromtimestamp(t, self.zone)
            hour, season = local.hour + local.minute / 60, math.cos(local.timetuple().tm_yday / 58)
            load = 180 + 90 * season + 700 * math.exp(-((hour - 12) / 1.2) ** 2) + 1500 * math.exp(-((hour - 19) / 2) ** 2)
            load *= 0.4 + chance.random()
            sun = max(0, math.sin((hour - 6.5) / 12.5 * math.pi)) * (3200 - 2300 * season) * chance.random()
            net = int(load - sun)
            start, fed = start + max(net, 0) // 4, fed + max(-net, 0) // 4
            self.counters[t] = (start, fed)
            self.powers[t] = (net - int(chance.random() * 300), net, net + int(chance.random() * 900))

        self.begin += QUARTER  # the first that is written

    def write(self, path, meter):
        """As the service keeps it: history.db of a service that ran all the time."""
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("INSERT INTO meter (number, id, unit, exponent) VALUES (1, ?, 'Wh', 0)", (meter,))
            db.executemany("INSERT INTO quarter (meter, slot, import, export, least, mean, greatest)"
                           " VALUES (1, ?, ?, ?, ?, ?, ?)",
                           [(t // QUARTER - 1, *counters, *self.powers[t]) for t, counters in self.counters.items() if t in self.powers])

    def between(self, begin, end):
        """(drawn, fed in) between two dates of the zone, in Wh; begin and end are (year, month, day)."""
        first, last = (min(max(int(datetime.datetime(*day, tzinfo=self.zone).timestamp()), self.begin), self.end)
                       for day in (begin, end))
        return tuple(self.counters[last][i] - self.counters[first][i] for i in (0, 1))

    def change(self, month):
        """The last day on which clocks changed in March or October."""
        year = datetime.datetime.fromtimestamp(self.end, self.zone).year
        for y in (year, year - 1):
            last = datetime.date(y, month, 31)
            day = last - datetime.timedelta(days=(last.weekday() + 1) % 7)
            begin = datetime.datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()
            if self.begin < begin < self.end - 2 * 86400:
                return day
        raise AssertionError("no change of clocks within a year")
