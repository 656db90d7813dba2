#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Through Cockpit's own login page: PAM asks for the password of a user of the machine, and sudo for
administrative access. The users exist in mounts of our own (/etc, /run, /var/log) and nowhere else:
two that every Debian has got other names and passwords there, since the bus outside lets in none but
whom it knows by number."""

import os
import shutil
import subprocess
import sys

import page_case
from meter_bed import E450, METER, MeterBed
from private_bus import wait_until
from web_bed import WS, Cockpit

SESSION = "/usr/lib/cockpit/cockpit-session"
PASSWORD = "three blind mice"
# $1: our folder, $2: the socket of the bus; behind them cockpit-ws.
MOUNTS = f"""
folder=$1 bus=$2
shift 2
cp -a /etc "$folder/etc"
mount --bind "$folder/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mount --bind "$folder/bin" /usr/local/bin
mount --bind "$folder/share" /usr/local/share
mkdir /run/dbus
ln -s "$bus" /run/dbus/system_bus_socket
# Where there is no systemd --user: Cockpit 337 ends when there is no session bus and it is asked for twice.
echo DBUS_SESSION_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket >>/etc/environment
touch /var/log/lastlog /var/log/wtmp /var/log/btmp
for pair in games:reader news:keeper; do
        user=${{pair#*:}}
        usermod --login "$user" --home "$folder/$user" --shell /bin/sh "${{pair%:*}}"
        install -d -o "$user" "$folder/$user"
        echo "$user:{PASSWORD}" | chpasswd
done
usermod --append --groups sudo keeper
mkdir -p /etc/cockpit
printf '[Basic]\\nCommand={SESSION}\\n' >/etc/cockpit/cockpit.conf
exec "$@"
"""


class LoginCockpit(Cockpit):
    def __init__(self, bus_address, config):
        self.lay_out(config)
        socket = bus_address.removeprefix("unix:path=").split(",")[0]
        self.start(["unshare", "--mount", "--propagation", "private", "sh", "-euc", MOUNTS, "-", str(self.folder), socket,
                    WS, "--no-tls"], PATH="/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")

    def url(self, view=""):
        return f"http://127.0.0.1:{self.port}/smartmeterd"


class Login(page_case.PageTest):
    def log_in(self, bed, user, password=PASSWORD):
        if not self.cockpit:
            self.cockpit = LoginCockpit(bed.d.bus.address, bed.d.config_path)
            self.addCleanup(self.cockpit.stop)
            self.page.requests()
            self.page.open(self.cockpit)
        wait_until(lambda: self.page.text("#login-user-input") is not None, f"the login page: {self.page.text('body')}")
        for field, text in (("#login-user-input", user), ("#login-password-input", password)):
            element = self.page.driver.find_element("css selector", field)
            element.clear()
            element.send_keys(text)
        self.page.driver.find_element("id", "login-button").click()

    def enter_page(self):
        """From the shell into the frame that has the page."""
        from selenium.common.exceptions import WebDriverException

        def switched():
            self.page.driver.switch_to.default_content()
            try:
                self.page.driver.switch_to.frame("cockpit1:localhost/smartmeterd")
                return self.page.text("h1") == "Smart meters"
            except WebDriverException:
                return False
        wait_until(switched, f"the page within Cockpit: {self.page.text('body')}")

    def leave_page(self):
        self.page.driver.switch_to.default_content()

    def reload(self, bed, name):
        """The configuration has another name for the meter, and the service is to read it."""
        bed.configure(f'[meter "{METER}"]\nName={name}\n')
        self.page.view("outputs")
        self.page.click("Read it again")

    def errors(self):
        """Not what Cockpit's own pages say, a refused login among it."""
        return [message for message in self.page.console() if "/smartmeterd/" in message]

    def tearDown(self):
        self.leave_page()
        super().tearDown()

    def bed(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        bed.wait_telegrams(METER, 1)
        return bed

    def test_who_may_not_administer_reads_and_changes_nothing(self):
        bed, page = self.bed(), self.page
        self.log_in(bed, "reader", "no such mice")
        wait_until(lambda: "Wrong user name or password" in (page.text("body") or ""), f"the refusal; there is {page.text('body')}")
        self.log_in(bed, "reader")
        self.enter_page()
        self.wait_power(page)
        self.reload(bed, "House")
        page.wait_text("#view-outputs .alert.bad", "administrative access")
        self.assertNotEqual(bed.d.meters()[METER]["Name"], "House")
        page.view("doctor")
        wait_until(lambda: page.script("return document.querySelector('.doctor').dataset.findings"), "findings")

    def test_administrative_access_is_turned_on_and_then_it_is_done(self):
        bed, page = self.bed(), self.page
        self.log_in(bed, "keeper")
        self.enter_page()
        self.wait_power(page)
        self.reload(bed, "House")
        page.wait_text("#view-outputs .alert.bad", "turn it on at the top of the window")
        self.leave_page()
        page.click("Limited access")
        wait_until(lambda: page.text("input[type=password]") is not None, f"the dialog: {page.text('body')}")
        page.driver.find_element("css selector", "input[type=password]").send_keys(PASSWORD)
        page.click("Authenticate")
        wait_until(lambda: "Administrative access" in page.buttons(), f"administrative access; there are {page.buttons()}")
        self.enter_page()
        self.reload(bed, "House")
        page.wait_text("#view-outputs .alert.good", "in force")
        page.view("live")
        page.wait_text(".meter h2", "House")


def missing():
    if os.getuid() != 0:
        return "needs root, for mounts of its own"
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode != 0:
        return "needs mounts of its own (unshare), which this container forbids"
    for program in (SESSION, shutil.which("sudo"), shutil.which("useradd"), shutil.which("chpasswd")):
        if not program or not os.path.exists(program):
            return "needs cockpit-session, sudo, useradd and chpasswd"
    return None


if __name__ == "__main__":
    if missing():
        print("skipped:", missing())
        sys.exit(77)
    page_case.main()
