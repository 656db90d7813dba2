# SPDX-License-Identifier: MIT
"""The test machine: QEMU with the image of build-image.sh, started cold or from a saved boot.

    with Machine(cache) as vm:
        vm.check("systemctl is-active dbus")
        usb = vm.usb()
        usb("plug", device="a", chip="pl2303", sender="2400 8E1")

It has no network; commands, files and the emulator's control go through virtio serial ports.
VM_ACCEL=kvm|tcg overrides the choice; VM_KEEP=1 keeps the folder with console and QEMU logs.
"""

import base64
import collections
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

from channel import PATIENCE, Channel, VmError, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
EMULATOR = ("asked.py", "usb_serial.py", "usb_device.py", "usb_chips.py", "uart.py")
CHUNK = 192 << 10  # bytes of a file in one request

Result = collections.namedtuple("Result", "code out err")


def kvm_works(cache):
    """/dev/kvm may be there and let a stock kernel hang all the same (nested virtualisation): only a
    kernel that came up, and fell over for want of a disk, proves it."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    command = ["timeout", "-s", "KILL", "10", "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-machine", "q35",
               "-m", "256", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
               "-kernel", cache + "/vmlinuz", "-append", "console=ttyS0 panic=-1"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return b"Linux version" in ended.stdout and b"Kernel panic" in ended.stdout


def accelerator(cache):
    known = cache + "/accel"
    if os.environ.get("VM_ACCEL"):
        return os.environ["VM_ACCEL"]
    if not os.path.exists(known):
        with open(known, "w", encoding="ascii") as file:
            file.write("kvm" if kvm_works(cache) else "tcg")
    with open(known, encoding="ascii") as file:
        return file.read()


def machine_version():
    """A saved state loads only into the very same machine: this file, and QEMU's version."""
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, check=True).stdout
    with open(__file__, "rb") as file:
        return hashlib.sha256(file.read() + qemu).hexdigest()[:12]


class Emulator(Channel):
    """usb_serial.py in the guest; an operation is a call."""

    def __call__(self, operation, **arguments):
        answer = self.request({"op": operation, **arguments}, 30)
        if not answer["ok"]:
            raise VmError("%s %s: %s" % (operation, arguments, answer["error"]))
        return answer


class Machine:
    def __init__(self, cache):
        self.cache, self.accel = os.path.abspath(cache), accelerator(cache)
        tag = "%s/state.%s-%s" % (self.cache, self.accel, machine_version())
        self.memory_file, self.disk_file = tag + ".memory", tag + ".qcow2"
        self.folder = self.process = self.monitor = self.agent = self.emulator = None

    # --- life ---------------------------------------------------------------------------------
    def __enter__(self):
        with open(self.cache + "/lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
            if not (os.path.exists(self.memory_file) and os.path.exists(self.disk_file)):
                self.make_state()
        return self.start(resume=True)

    def make_state(self):
        for old in glob.glob(self.cache + "/state.*"):
            os.unlink(old)
        self.start(resume=False)
        try:
            self.save()
        finally:
            self.stop()

    def __exit__(self, kind, *_):
        if kind and self.agent:
            self.print_trouble()
        self.stop()

    def start(self, resume):
        # The paths of UNIX sockets are short.
        self.folder = tempfile.mkdtemp(prefix="smvm.", dir="/tmp")
        base, form = (self.disk_file, "qcow2") if resume else (self.cache + "/root.ext4", "raw")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", form,
                        self.folder + "/disk.qcow2"], check=True)
        with open(self.folder + "/qemu.log", "wb") as log:
            self.process = subprocess.Popen(self.command(resume), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.come_up(resume)
        except VmError:
            self.print_trouble()
            self.stop()
            raise
        return self

    def command(self, resume):
        fast = {"kvm": ["-accel", "kvm", "-cpu", "host"],
                "tcg": ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"]}
        ports = []
        for number, name in enumerate(("agent", "usb"), 1):
            ports += ["-chardev", "socket,id=%s,path=%s/%s,server=on,wait=off" % (name, self.folder, name),
                      "-device", "virtserialport,bus=ports.0,nr=%d,chardev=%s,name=testvm.%s" % (number, name, name)]
        # With pdeathsig the machine ends with us, whatever ends us.
        return ["setpriv", "--pdeathsig", "TERM", "--", "qemu-system-x86_64", *fast[self.accel], "-machine", "q35",
                "-smp", "2", "-m", "512", "-nodefaults", "-no-user-config", "-display", "none",
                "-kernel", self.cache + "/vmlinuz", "-initrd", self.cache + "/initrd.img",
                "-append", "console=ttyS0 quiet loglevel=4 systemd.show_status=0 mitigations=off random.trust_cpu=1 "
                "panic=-1",
                "-serial", "file:%s/console.log" % self.folder,
                "-qmp", "unix:%s/monitor,server=on,wait=off" % self.folder,
                "-drive", "file=%s/disk.qcow2,format=qcow2,if=none,id=disk,cache=unsafe" % self.folder,
                "-device", "virtio-blk-pci,drive=disk", "-object", "rng-random,id=rng,filename=/dev/urandom",
                "-device", "virtio-rng-pci,rng=rng", "-device", "virtio-serial-pci,id=ports,max_ports=4", *ports,
                *(["-incoming", "exec:cat " + self.memory_file] if resume else [])]

    def come_up(self, resume):
        self.monitor = Channel(self.folder + "/monitor")
        self.qmp("qmp_capabilities")
        self.agent = Channel(self.folder + "/agent")
        if resume:
            wait_for("the saved boot", lambda: self.qmp("query-status")["status"] != "inmigrate", 60)
            self.qmp("cont")
        self.wait_boot()
        if resume:  # the guest's clock stood still
            self.check("date -u -s @%.3f" % time.time())

    def wait_boot(self):
        self.agent.until_it_answers({"run": "true"}, 180)
        state = self.run("systemctl is-system-running --wait", 180).out.strip()
        if state != "running":
            raise VmError("the system is %s: %s" % (state, self.run("systemctl --failed --no-pager").out))

    def reboot(self):
        """Orderly; the emulated converters are gone with their emulator."""
        before = self.check("cat /proc/sys/kernel/random/boot_id")
        self.run("systemctl reboot --no-block")
        if self.emulator:
            self.emulator.close()
            self.emulator = None
        wait_for("the next boot", lambda: self.boot_id() not in ("", before), 180, 0.5)
        self.wait_boot()

    def boot_id(self):
        try:
            return self.run("cat /proc/sys/kernel/random/boot_id", 2).out
        except VmError:
            if self.agent.dead:
                raise
            return ""

    def save(self):
        """Memory and disk, as they are now, for all tests that are not about booting."""
        self.check("sync; echo 3 >/proc/sys/vm/drop_caches")
        self.qmp("stop")
        self.qmp("migrate-set-parameters", **{"max-bandwidth": 4 << 30})
        self.qmp("migrate", uri="exec:cat >%s.new" % self.memory_file)
        if wait_for("the saved state", self.saved, 60) == "failed":
            raise VmError("QEMU cannot save the machine")
        self.qmp("quit")
        self.process.wait(20)
        shutil.copyfile(self.folder + "/disk.qcow2", self.disk_file)
        os.replace(self.memory_file + ".new", self.memory_file)

    def saved(self):
        status = self.qmp("query-migrate").get("status")
        return status if status in ("completed", "failed") else None

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for channel in (self.emulator, self.agent, self.monitor):
            if channel:
                channel.close()
        self.emulator = self.agent = self.monitor = self.process = None
        if self.folder and not os.environ.get("VM_KEEP"):
            shutil.rmtree(self.folder)
        self.folder = None

    def print_trouble(self):
        with open(self.folder + "/qemu.log", errors="replace", encoding="utf-8") as file:
            sys.stderr.write(file.read()[-2000:])
        if os.path.exists(self.folder + "/console.log"):
            with open(self.folder + "/console.log", errors="replace", encoding="utf-8") as file:
                sys.stderr.write(file.read()[-2000:])

    def qmp(self, command, **arguments):
        answer = self.monitor.request({"execute": command, "arguments": arguments}, 20)
        if "error" in answer:
            raise VmError("QEMU: %s: %s" % (command, answer["error"]["desc"]))
        return answer["return"]

    # --- the guest ----------------------------------------------------------------------------
    def run(self, command, timeout=60):
        answer = self.agent.request({"run": command, "timeout": timeout * PATIENCE}, timeout + 10)
        return Result(answer["rc"], *(base64.b64decode(answer[k]).decode(errors="replace") for k in ("out", "err")))

    def check(self, command, timeout=60):
        result = self.run(command, timeout)
        if result.code:
            raise VmError("in the guest: %s: exit %d\n%s%s" % (command, result.code, result.out, result.err))
        return result.out

    def until(self, command, timeout=30):
        """Asks within the guest until the command succeeds."""
        result = self.run("until %s; do sleep 0.1; done >/dev/null 2>&1" % command, timeout)
        if result.code:
            last = self.run(command)
            raise VmError("not within %d s: %s\n%s%s" % (timeout, command, last.out, last.err))

    def put(self, source, path, mode=0o644):
        data = source
        if isinstance(source, str):
            with open(source, "rb") as file:
                data = file.read()
        for at in range(0, max(len(data), 1), CHUNK):
            answer = self.agent.request({"write": path, "mode": mode, "append": at > 0,
                                         "data": base64.b64encode(data[at:at + CHUNK]).decode()}, 60)
            if "error" in answer:
                raise VmError("%s: %s" % (path, answer["error"]))

    def usb(self):
        """The emulator, started when it does not run (also after a reboot)."""
        if self.emulator is None:
            for name in EMULATOR:
                self.put(os.path.join(HERE, name), "/run/emulator/" + name)
            self.check("modprobe vhci_hcd && systemd-run -q --collect -u usb-serial /usr/bin/python3 -E "
                       "/run/emulator/usb_serial.py /dev/virtio-ports/testvm.usb")
            self.emulator = Emulator(self.folder + "/usb")
            self.emulator.until_it_answers({"op": "hello"}, 30)
        return self.emulator
