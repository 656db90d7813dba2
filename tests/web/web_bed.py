# SPDX-License-Identifier: MIT
"""The page as a person has it: Cockpit's own web server and bridge, a browser without a window, the
real service with simulated meters. Nothing is installed and nobody logs in: the bridge runs as
whoever runs the test, or, for limited access, as nobody."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

from broker import free_port  # noqa: E402
from harness import SMCTL, plain_environment  # noqa: E402
from private_bus import BUILD, SECONDS, SOURCE, wait_until  # noqa: E402

WS = "/usr/lib/cockpit/cockpit-ws"
BRIDGE = shutil.which("cockpit-bridge")
SIZES = {"desk": (1100, 1000), "phone": (390, 844)}


def missing(needs_mock_devices=False):
    """What this machine lacks to run the page; None when it has all."""
    if not os.path.exists(WS) or not BRIDGE:
        return "needs cockpit-ws and cockpit-bridge"
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        return "needs chromium and chromium-driver"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "needs python3-selenium"
    if needs_mock_devices and "umockdev" not in os.environ.get("LD_PRELOAD", ""):
        return "needs umockdev-wrapper"
    return None


class Cockpit:
    """cockpit-ws with the page, for one browser session: after that it refuses logins."""

    def __init__(self, bus_address, limited=False, config=None, **environment):
        self.lay_out(config)
        runtime = self.folder / "run"
        runtime.mkdir()
        session = BRIDGE
        if limited:
            os.chown(runtime, 65534, 65534)
            session = self.folder / "bridge"
            session.write_text(f"#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups {BRIDGE} \"$@\"\n")
            session.chmod(0o755)
        self.start([WS, f"--local-session={session}"], DBUS_SYSTEM_BUS_ADDRESS=bus_address,
                   XDG_DATA_DIRS=f"{self.folder}/share:/usr/share", XDG_RUNTIME_DIR=str(runtime), HOME=str(runtime),
                   PATH=f"{self.folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin", **environment)

    def lay_out(self, config):
        """The page in share/, and in bin/ an smctl: the configuration and the profiles of the service
        under test are not where smctl looks for them."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="smweb."))
        self.folder.chmod(0o755)
        page = self.folder / "share/cockpit/smartmeterd"
        page.mkdir(parents=True)
        for file in [*(SOURCE / "web").iterdir(), *(BUILD / "web").glob("po.*.js")]:
            if file.suffix in (".js", ".css", ".html", ".json"):
                shutil.copy(file, page)
        program = self.folder / "bin/smctl"
        program.parent.mkdir()
        program.write_text(f"""#!/bin/sh
export SMARTMETERD={BUILD}/daemon/smartmeterd
case " $* " in
*" set-broker "*) verb=$1; shift; exec {SMCTL} "$verb" --config {config} "$@" ;;
" --json learn "*) shift 2; exec {SMCTL} learn --json --output {config and config.parent}/profiles.d/taught.profile "$@" ;;
esac
exec {SMCTL} "$@"
""")
        program.chmod(0o755)

    def start(self, command, **environment):
        self.port = free_port()
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(
            [*command, "--address", "127.0.0.1", "--port", str(self.port)], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, start_new_session=True, env=plain_environment(LANG="C.UTF-8", **environment))
        deadline = time.monotonic() + SECONDS
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("cockpit-ws does not answer: " + (self.folder / "log").read_text())
            time.sleep(0.05)

    def url(self, view=""):
        return f"http://127.0.0.1:{self.port}/cockpit/@localhost/smartmeterd/index.html" + (f"#/{view}" if view else "")

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Browser:
    """Chromium without a window, and what it saw: requests, and errors in its console."""

    def __init__(self, size="desk", dark=False, language="en", scale=1):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        self.downloads = pathlib.Path(tempfile.mkdtemp(prefix="smdown."))
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                         "--no-first-run", "--disable-background-networking", "--disable-component-update",
                         "--disable-sync", "--hide-scrollbars",
                         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                         f"--lang={language}", f"--accept-lang={language}",
                         f"--force-device-scale-factor={scale}", f"--user-data-dir={self.downloads}/profile"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(self.downloads),
                                                  "intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = Service(shutil.which("chromedriver"), env=plain_environment(LANGUAGE=language))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        width, height = SIZES[size]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": size == "phone"})

    def open(self, cockpit, view="", language="en"):
        self.driver.delete_all_cookies()
        self.driver.execute_cdp_cmd("Network.setCookie", {
            "name": "CockpitLang", "value": language, "url": f"http://127.0.0.1:{cockpit.port}/"})
        self.driver.get("about:blank")
        self.driver.get(cockpit.url(view))

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def text(self, selector):
        """What is shown there; None where nothing is."""
        return self.script("const e = document.querySelector(arguments[0]);"
                           "return e && e.getClientRects().length ? e.innerText ?? e.textContent : null", selector)

    def console(self):
        """Errors and warnings of the page."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self):
        """Addresses that were asked for."""
        import json
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
            elif message["method"] == "Network.webSocketCreated":
                urls.append(message["params"]["url"])
        return urls

    def picture(self, path, whole=True):
        import base64
        metrics = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        height = self.script("return document.querySelector('main').getBoundingClientRect().height")
        clip = {"x": 0, "y": 0, "width": metrics["width"], "height": height, "scale": 1}
        done = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png", "captureBeyondViewport": whole, **({"clip": clip} if whole else {})})
        pathlib.Path(path).write_bytes(base64.b64decode(done["data"]))

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.downloads, ignore_errors=True)


class Page(Browser):
    """Buttons, fields and views by the words that a person reads."""

    def view(self, name):
        self.script("window.smartmeters.open(arguments[0])", name)

    def step(self):
        """Which step the guide is at; None before the first look."""
        return self.script("return document.querySelector('.guide')?.dataset.step")

    def buttons(self):
        """What can be clicked now: in the dialog, where one is open."""
        return self.script("""
            const top = document.querySelector("dialog[open]") || document;
            return [...top.querySelectorAll("button")].filter(b => b.getClientRects().length && !b.disabled)
                .map(b => b.getAttribute("aria-label") || b.innerText);""")

    def click(self, label, within=""):
        """Once it is there. A real click: what covers it, or is not shown, is in the way. The page may
        draw a button anew at any moment."""
        from selenium.common.exceptions import WebDriverException

        def clicked():
            button = self.script("""
                const top = document.querySelector("dialog[open]") || document.querySelector(arguments[1] || "body");
                const button = top && [...top.querySelectorAll("button")].find(b => b.getClientRects().length &&
                    !b.disabled && [b.getAttribute("aria-label"), b.innerText].includes(arguments[0]));
                button?.scrollIntoView({ block: "center" });
                return button;""", label, within)
            try:
                return button and (button.click() or True)
            except WebDriverException:
                return False
        wait_until(clicked, f"the button {label}; there are {self.buttons()}")

    def type(self, name, text, clear=True):
        from selenium.webdriver.common.by import By
        wait_until(lambda: self.text("dialog[open]") is not None, "a dialog")
        field = self.driver.find_element(By.NAME, name)
        if clear:
            field.clear()
        field.send_keys(text)

    def wait_text(self, selector, wanted):
        wait_until(lambda: wanted in (self.text(selector) or ""),
                   f"'{wanted}' in {selector}; there is: {self.text(selector)}\n{self.text('body')}")

    def wait_step(self, step):
        wait_until(lambda: self.step() == step, f"the step {step}; it is {self.step()}: {self.text('.guide')}")

    def wait_closed(self):
        wait_until(lambda: self.text("dialog[open]") is None, f"the dialog to close: {self.text('dialog[open]')}")

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains
        actions = ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()
