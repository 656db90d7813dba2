# SPDX-License-Identifier: MIT
"""A disk that is full, hangs, tears, or lies: readings wait, nothing comes twice for ever, and the rest
of the service goes on."""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from attack_bed import Service, bus, mqtt, p1, temporary, wait_until
from gi.repository import Gio, GLib  # of the version that the bed asks for
from broker import BadLink, Broker, Driver, Folder, Subscriber, config, until
from harness import wait_history

START = 1551879225
ENERGY = "smartmeterd/box/meter/LGZ1/active_energy_import"
SPOOL = "mqtt-local.spool"
SANITIZED = bool(os.environ.get("SMARTMETER_SANITIZER"))


def energies(sub):
    return [int(p) for p in sub.payloads(ENERGY)]


def fill(folder, n, port=1):
    """A state directory in which n readings wait."""
    state = os.path.join(folder, "state")
    os.mkdir(state)
    with Driver(folder, config(port), state) as driver:
        for i in range(n):
            driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
        driver.ping("taken")
        driver.stop()
    return state


class Full(unittest.TestCase):
    @unittest.skipIf(os.getuid() != 0, "only root mounts a small disk")
    def test_what_was_delivered_is_not_sent_again_though_the_disk_is_full(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                BadLink(broker.port) as link:
            disk = os.path.join(folder, "disk")
            os.mkdir(disk)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", disk], check=True)
            try:
                link.set("refuse")
                with Driver(folder, config(link.port), disk) as driver:
                    driver.send("burst LGZ1 500 %d 1000" % START)
                    driver.status(lambda s: s["spooled"] >= 1000, "a spool")
                    self.assertEqual(driver.stop(), 0)
                with open(disk + "/filler", "wb", 0) as f, contextlib.suppress(OSError):
                    while f.write(bytes(4096)) == 4096:
                        pass
                link.set("pass")
                with Driver(folder, config(link.port), disk) as driver:
                    sub.wait(lambda got: len(set(energies(sub))) == 500, "all of it")
                    driver.status(lambda s: s["spooled"] == 0 and s["queued"] == 0, "the end")
                    n = len(energies(sub))
                    for i in range(3):
                        link.cut(reset=True)
                        driver.send("reconnect", "telegram LGZ1 %d %d 5" % (START + 600 + i, 2000 + i))
                        sub.wait(lambda got: energies(sub)[-1] == 2000 + i, "the newest")
                    # What was in flight may come twice; the spool does not.
                    self.assertLess(len(energies(sub)) - n, 3 + 3 * 20)
                    seen = list(dict.fromkeys(energies(sub)))
                    self.assertEqual(seen, sorted(seen))
                    self.assertEqual(driver.stop(), 0)
                # Nor does it after a restart, with the disk as full as before.
                n = len(energies(sub))
                with Driver(folder, config(link.port), disk) as driver:
                    driver.send("telegram LGZ1 %d 3000 5" % (START + 900))
                    sub.wait(lambda got: energies(sub)[-1] == 3000, "what is new")
                    self.assertEqual(energies(sub)[n:], [3000])
                    os.unlink(disk + "/filler")
                    self.assertEqual(driver.stop(), 0)
            finally:
                subprocess.run(["umount", "-l", disk], check=True)


class Late(unittest.TestCase):
    def test_a_history_that_could_not_be_opened_is_opened_later(self):
        with tempfile.TemporaryDirectory(prefix="smlate.") as folder:
            s = Service()
            s.state = pathlib.Path(folder)
            db = s.state / "history.db"
            db.touch(mode=0o600)
            holder = sqlite3.connect(db)
            holder.execute("BEGIN EXCLUSIVE")  # a backup, say
            with s:
                for n in range(3):
                    s.feed(p1(b"SEQ1", 1000 + n))
                s.wait_telegrams("SEQ1", 3)
                s.wait_log("the history cannot be written")
                for n in range(3, 6):
                    s.feed(p1(b"SEQ1", 1000 + n))
                s.wait_telegrams("SEQ1", 6)
                holder.rollback()
                holder.close()
            with contextlib.closing(sqlite3.connect(db)) as history:
                self.assertEqual(history.execute("SELECT id FROM meter").fetchall(), [("SEQ1",)])
                self.assertEqual(history.execute("SELECT * FROM gap WHERE begins = 0").fetchall(), [])

    def test_a_meter_that_the_history_does_not_know_begins_when_it_is_heard(self):
        with tempfile.TemporaryDirectory(prefix="smlate.") as folder:
            s = Service()
            s.state = pathlib.Path(folder)
            begun = int(time.time())
            with s:
                for n in range(10):
                    s.feed(p1(b"SEQ1", 1000 + n))
                    s.wait_telegrams("SEQ1", n + 1)
                    time.sleep(0.05)  # where it ended last time is asked the disk
            with contextlib.closing(sqlite3.connect(s.state / "history.db")) as history:
                rows = history.execute("SELECT kind, begins, import_before FROM gap").fetchall()
            self.assertTrue(rows)
            self.assertEqual([row for row in rows if row[1] < begun], [], "before it was there")
            self.assertNotIn(0, [row[2] for row in rows], "no meter that was heard had used nothing")

    def test_a_stop_behind_a_reload_waits_for_those_that_leave_and_for_no_others(self):
        sections = mqtt("one", 1) + mqtt("two", 1) + "[metrics]\nFile=%s\n[history]\nKeep=%s\n"
        with tempfile.TemporaryDirectory(prefix="smlate.") as folder:
            with Service(sections % (folder + "/a.prom", "2y")) as s:  # it must end with 0
                s.feed(p1(b"SEQ1", 1000))
                s.feed(p1(b"SEQ1", 1001))
                s.wait_telegrams("SEQ1", 2)
                s.write(sections % (folder + "/b.prom", "3y"))
                os.kill(s.pid, signal.SIGHUP)
                code = s.stop()
                log = s.log
            self.assertEqual(code, 0, log)
            self.assertNotIn("cannot be started", log)


@contextlib.contextmanager
def a_disk():
    """A folder that stands for one, and goes with the test."""
    disk = temporary("smdisk.")
    try:
        yield disk
    finally:
        shutil.rmtree(disk)


def service_on(disk, config):
    """A service whose state is on a disk that hangs while the file `frozen` is there."""
    s = Service(config, environment={"LD_PRELOAD": os.environ["SMARTMETERD_FROZEN_DISK"],
                                     "FROZEN_DISK": str(disk)})
    s.state = disk / "state"
    return s


def ask_history(client, method, signature, *values, fds=None):
    """The answer is not waited for."""
    call = Gio.DBusMessage.new_method_call(bus.NAME, bus.meter_path("SEQ1"), bus.HISTORY, method)
    call.set_body(GLib.Variant(signature, values))
    if fds:
        call.set_unix_fd_list(fds)
    client.connection.send_message(call, Gio.DBusSendMessageFlags.NONE)
    client.connection.flush_sync()


def threads(s, name):
    names = [p.read_text().strip() for p in pathlib.Path(f"/proc/{s.pid}/task").glob("*/comm")]
    return names.count(name)


def freeze(s, disk):
    """The disk hangs, once the meter is known and something is to be written of it."""
    wait_history(s.state)
    for n in range(3):
        s.feed(p1(b"SEQ1", 1000 + n))
        s.wait_telegrams("SEQ1", n + 1)
        # Behind the question where the meter's history ended, to which nothing is drawn before.
        s.smctl("history", "SEQ1", code=None)
    (disk / "frozen").touch()


class Frozen(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_a_disk_that_hangs_holds_up_neither_meters_nor_bus(self):
        with a_disk() as disk:
            with service_on(disk, mqtt("m", 1)) as s:
                freeze(s, disk)
                # A known meter, a new one, and what a person does.
                for n in range(50):
                    s.feed(p1(b"SEQ1", 1010 + n))
                s.wait_telegrams("SEQ1", 53)
                for n in range(3):
                    s.feed(p1(b"NEW2", 1 + n))
                s.wait_telegrams("NEW2", 2)
                s.smctl("status", code=None)
                s.smctl("list-meters")
                (disk / "frozen").unlink()
                wait_until(lambda: any(disk.glob("state/*.spool")), "the spool")

    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_a_disk_that_hangs_from_the_start_holds_up_neither_meters_nor_bus(self):
        with a_disk() as disk:
            (disk / "frozen").touch()
            with service_on(disk, "") as s:
                for n in range(3):
                    s.feed(p1(b"SEQ1", 1000 + n))
                s.wait_telegrams("SEQ1", 3)
                s.wait_log("the disk does not answer")
                s.smctl("list-meters")
                (disk / "frozen").unlink()
                s.wait_log("the disk takes again what is to be remembered")

    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_a_reload_waits_for_no_history_that_hangs(self):
        with a_disk() as disk:
            with service_on(disk, "[history]\nKeep=2y\n") as s:
                freeze(s, disk)
                s.write("[history]\nKeep=3y\n")
                begun = time.monotonic()
                s.smctl("reload")
                n = threads(s, "history")
                # The next one begins 1.7 s later; a machine that is too busy shows nothing.
                if time.monotonic() - begun < 1.6:
                    self.assertEqual(n, 1, "the reload waited for the first one")
                wait_until(lambda: threads(s, "history") == 2, "the next one, beside it")
                (disk / "frozen").unlink()
                wait_until(lambda: threads(s, "history") == 1, "the end of the first one")

    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_questions_that_wait_leave_descriptors_for_others(self):
        with a_disk() as disk:
            s = service_on(disk, "")
            s.wrapper = ["prlimit", "--nofile=1024:1024"]  # as systemd would
            with s:
                freeze(s, disk)
                samples = [(START * 1000000, 1.0, 0.0, 0, True),
                           ((START + 900) * 1000000, 2.0, 0.0, 0, False)]
                ask_history(s.client, "ImportHistory", "(a(tddub)a{sv})", samples, {})
                # As dbus-daemon allows each message, more than a process may have open in all.
                null = os.open("/dev/null", os.O_RDONLY)
                clients = [bus.Client(s.bus) for _ in range(10)]
                for client in clients * 12:
                    fds = Gio.UnixFDList.new_from_array([os.dup(null) for _ in range(16)])
                    ask_history(client, "GetHistory", "(ttua{sv})", 0, 86400000000, 900, {}, fds=fds)
                    s.client.get_all(bus.ROOT, bus.MANAGER)
                os.close(null)
                s.ttys[0].unplug()
                s.ttys[0].plug()
                (disk / "frozen").unlink()
                n = s.telegrams("SEQ1")
                wait_until(lambda: s.feed(p1(b"SEQ1", 1010)) or s.telegrams("SEQ1") > n, "telegrams")
                for client in clients:
                    client.close()

    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_a_reload_waits_for_no_disk_that_hangs(self):
        with a_disk() as disk:
            with service_on(disk, mqtt("m", 1)) as s:
                wait_until(lambda: s.feed(p1(b"SEQ1", 1000)) or any(disk.glob("state/*.spool")),
                           "the spool")
                freeze(s, disk)
                n = s.telegrams("SEQ1")
                # The old one cannot put down what it has, and the new one cannot look at the spool.
                s.write(mqtt("m", 2))
                s.smctl("reload")
                s.feed(p1(b"SEQ1", 1010))
                s.wait_telegrams("SEQ1", n + 1)
                self.assertEqual(s.log.count("the disk took no more in time"), 0)
                wait_until(lambda: "the disk took no more in time" in s.log, "its end")
                s.feed(p1(b"SEQ1", 1011))
                s.wait_telegrams("SEQ1", n + 2)
                s.smctl("status", code=None)
                (disk / "frozen").unlink()
                s.wait_output("m", lambda o: o["Spooled"], "the spool again")

    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_a_disk_that_hangs_keeps_nobody_from_stopping_the_service(self):
        for lines in ([], ["Durability=always"]):
            disk = temporary("smdisk.")
            with self.subTest(lines), contextlib.ExitStack() as cleanup:
                cleanup.callback(shutil.rmtree, disk)
                s = Service(mqtt("m", 1, *lines),
                            environment={"LD_PRELOAD": os.environ["SMARTMETERD_FROZEN_DISK"],
                                         "FROZEN_DISK": str(disk)})
                s.state = disk / "state"
                cleanup.enter_context(s)
                for n in range(3):
                    s.feed(p1(b"SEQ1", 1000 + n))
                s.wait_telegrams("SEQ1", 3)
                (disk / "frozen").touch()
                cleanup.callback((disk / "frozen").unlink)
                for n in range(20):
                    s.feed(p1(b"SEQ1", 1010 + n))
                s.wait_telegrams("SEQ1", 23)
                s.process.send_signal(signal.SIGTERM)
                self.assertEqual(s.process.wait(bus.SECONDS), 0)  # it ends while the disk still hangs

    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_readings_that_are_to_be_kept_first_are_sent_all_the_same_and_that_is_said(self):
        with a_disk() as disk:
            with service_on(disk, mqtt("m", 1, "Durability=always")) as s:
                freeze(s, disk)
                for n in range(50):
                    s.feed(p1(b"SEQ1", 1010 + n))
                s.wait_telegrams("SEQ1", 53)
                s.wait_output("m", lambda o: "sent before they are kept" in o["LastError"],
                              "a sentence about the disk")
                (disk / "frozen").unlink()
                s.wait_output("m", lambda o: "sent before" not in o["LastError"] and o["Spooled"],
                              "a disk that takes readings again")
                s.feed(p1(b"SEQ1", 1100))
                s.wait_telegrams("SEQ1", 54)


class Damaged(unittest.TestCase):
    """Of a damaged spool what can be read is delivered, and nothing that was never sent."""

    def damage(self, path, chance):
        data = bytearray(path.read_bytes())
        what = chance.choice(["flip", "flips", "cut", "noise", "empty", "foreign"])
        if what == "flip":
            # Not where the table says which pages are its own: with it goes all that it leads to.
            at = chance.randrange(len(data) - 4096)
            data[at if at < 4096 else at + 4096] ^= 1 << chance.randrange(8)
        elif what == "flips":
            for _ in range(100):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif what == "cut":
            del data[chance.randrange(len(data)):]
        elif what == "noise":
            at = chance.randrange(len(data))
            data[at:at + 4096] = chance.randbytes(len(data[at:at + 4096]))
        elif what == "empty":
            del data[:]
        else:
            data = bytearray(chance.randbytes(8192))
        path.write_bytes(data)
        return what

    def test_what_can_be_read_is_delivered_and_nothing_else(self):
        chance = random.Random(15)
        with Folder() as folder, Broker(folder) as broker:
            kept = fill(folder, 300)
            for turn in range(12):
                state = pathlib.Path(folder, "damaged")
                shutil.copytree(kept, state)
                what = self.damage(state / SPOOL, chance)
                with self.subTest(turn=turn, what=what), Subscriber(broker) as sub, \
                        Driver(folder, config(broker.port), str(state)) as driver:
                    driver.send("telegram LGZ1 %d 2000 5" % (START + 900))
                    sub.wait(lambda got: "2000" in sub.payloads(ENERGY), "what is new")
                    driver.status(lambda s: s["spooled"] == 0 and s["queued"] == 0, "the end")
                    if what == "flip":  # the broker has it; the subscriber may be behind
                        sub.wait(lambda got: len(set(energies(sub))) > 200, "what can be read")
                    for value in sub.payloads(ENERGY):
                        self.assertRegex(value, r"^(1[0-2]\d\d|2000)$")
                    self.assertEqual(driver.stop(), 0)
                shutil.rmtree(state)

    def test_a_spool_that_is_no_file_is_said_and_readings_go_on(self):
        for what in ("folder", "fifo", "link"):
            with self.subTest(what), Folder() as folder, Broker(folder) as broker, \
                    BadLink(broker.port) as link, Subscriber(broker) as sub:
                state = pathlib.Path(folder, "state")
                state.mkdir()
                path = state / SPOOL
                if what == "folder":
                    path.mkdir()
                elif what == "fifo":
                    os.mkfifo(path)
                else:
                    path.symlink_to(folder + "/elsewhere")
                link.set("refuse")
                with Driver(folder, config(link.port), str(state)) as driver:
                    driver.send("telegram LGZ1 %d 1000 5" % START)
                    driver.status(lambda s: s["code"], "something wrong")
                    link.set("pass")
                    driver.send("reconnect")
                    sub.wait(lambda got: sub.payloads(ENERGY) == ["1000"], "the reading")
                    self.assertEqual(driver.stop(), 0)
                self.assertFalse(os.path.exists(folder + "/elsewhere") and
                                 os.path.getsize(folder + "/elsewhere"))


def tear(wal, how, chance):
    """The end of a write-ahead log as disks leave it: what was written last is not there, or there in
    part, or in another order than it was written."""
    data = bytearray(wal.read_bytes())
    at = max(0, len(data) - chance.randrange(1, 8192))
    if how == "cut":
        del data[at:]
    elif how == "zeros":  # the length was written, the data not
        data[at:] = bytes(len(data) - at)
    elif how == "noise":
        data[at:] = chance.randbytes(len(data) - at)
    elif how == "old sector":  # one sector of the last pages is that of another time
        at -= at % 512
        data[at:at + 512] = data[:512]
    elif how == "head":  # only the header is there
        del data[32:]
    elif how == "half a head":
        del data[chance.randrange(1, 32):]
    elif how == "empty":
        del data[:]
    wal.write_bytes(data)


TEARS = ["", "cut", "zeros", "noise", "old sector", "head", "half a head", "empty", "gone", "shm"]


class PowerCut(unittest.TestCase):
    def test_no_copy_of_a_living_spool_is_corrupt(self):
        """As a power cut leaves it: in the middle of a write, its write-ahead log torn."""
        chance = random.Random(20)
        with Folder() as folder, Broker(folder) as broker:
            state, copies, n = pathlib.Path(folder, "state"), [], 0
            state.mkdir()
            with Driver(folder, config(1), str(state)) as driver:
                while len(copies) < 2 * len(TEARS):
                    driver.send("telegram LGZ1 %d %d 5" % (START + n, 1000 + n))
                    n += 1
                    if n % 20:
                        continue
                    driver.ping(str(n))
                    until(lambda: (state / SPOOL).exists(), "a spool")
                    copy = pathlib.Path(folder, f"copy{len(copies)}")
                    copy.mkdir()
                    names = [SPOOL, SPOOL + "-wal"]
                    for name in reversed(names) if len(copies) % 2 else names:
                        with contextlib.suppress(FileNotFoundError):
                            shutil.copy(state / name, copy / name)
                    wal, how = copy / (SPOOL + "-wal"), TEARS[len(copies) // 2]
                    if how == "gone":
                        wal.unlink(missing_ok=True)
                    elif how == "shm":
                        (copy / (SPOOL + "-shm")).write_bytes(chance.randbytes(32768))
                    elif wal.exists():
                        tear(wal, how, chance)
                    copies.append((copy, n))
                driver.kill()
            lost = []
            for i, (copy, fed) in enumerate(copies):
                with self.subTest(TEARS[i // 2], turn=i % 2), Subscriber(broker) as sub, \
                        Driver(folder, config(broker.port), str(copy)) as driver:
                    driver.send("telegram LGZ1 %d 999999 5" % (START + n))
                    sub.wait(lambda got: "999999" in sub.payloads(ENERGY), "the newest")
                    driver.status(lambda s: s["spooled"] == 0 and s["queued"] == 0, "the end")
                    seen = [v for v in dict.fromkeys(energies(sub)) if 1000 <= v < 999999]
                    self.assertEqual(seen, sorted(seen))
                    self.assertTrue(set(seen) <= set(range(1000, 1000 + n)))
                    self.assertEqual(driver.stop(), 0)
                    lost.append(fed - len([v for v in seen if v < 1000 + fed]))
                self.assertFalse(list(copy.glob("*.corrupt")), copy)
            # What waited for its tenth of a second; without the log's end, what stood there.
            self.assertLess(min(lost), 200, lost)


class Kept(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "the broken file is the same")
    def test_a_state_that_cannot_be_read_is_said_and_set_right(self):
        def spoil(path, how):
            path.unlink()
            if how == "folder":
                path.mkdir()
            elif how == "other tables":
                with contextlib.closing(sqlite3.connect(path)) as db:
                    db.execute("CREATE TABLE converter (a)")
                    db.execute("CREATE TABLE keys (a)")
                    db.execute("PRAGMA user_version = 2")
                    db.commit()
            elif how == "noise":
                path.write_bytes(os.urandom(8192))
            else:
                path.write_bytes(b"")
        for how in ("other tables", "noise", "empty", "folder"):
            with self.subTest(how), Service() as s:
                s.smctl("set-key", "X1", input="00112233445566778899AABBCCDDEEFF\n")
                s.stop()
                spoil(s.state / "state.db", how)
                s.start()
                s.wait_state(s.identity(), "detecting")
                if how != "empty":
                    self.assertRegex(s.log, r"state\.db")
                for n in range(3):
                    s.feed(p1(b"SEQ1", 1000 + n))
                s.wait_telegrams("SEQ1", 3)
                if how == "folder":
                    continue  # somebody's, perhaps: left alone
                # It can be written again, and is what the next start finds.
                s.smctl("set-key", "X1", input="00112233445566778899AABBCCDDEEFF\n")
                s.restart()
                s.smctl("forget", "X1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
