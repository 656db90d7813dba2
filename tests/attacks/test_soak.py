# SPDX-License-Identifier: MIT
"""All at once, for a while: eight formats' worth of telegrams on several lines, a broker that dies,
replugs, reloads. By hand, longer: SMARTMETERD_SOAK_ROUNDS=500"""

import os
import unittest

from attack_bed import Service, bus, mqtt, p1, wait_until
from broker import Broker, Folder, Subscriber, until

ROUNDS = int(os.environ.get("SMARTMETERD_SOAK_ROUNDS", "30"))
LINES = 4
FORMATS = "native homeassistant datacollector rl-dsp jeedom"


class Soak(unittest.TestCase):
    def test_nothing_is_lost_and_nothing_grows(self):
        with Folder() as folder, Broker(folder) as broker, Service(lines=LINES) as s:
            text = mqtt("m", broker.port, "SpoolMax=64M", formats=FORMATS) + "".join(
                f'[meter "SOAK{i}"]\nMaxPower=1000MW\n' for i in range(LINES))
            s.write(text)
            s.smctl("reload")
            s.wait_output("m", lambda o: o["Connected"], "a connection")
            at, first = [1000] * LINES, None
            got = {i: set() for i in range(LINES)}

            def play(rounds):
                for n in range(rounds):
                    for i in range(LINES):
                        s.feed(p1(b"SOAK%d" % i, at[i], at[i] % 5000), line=i)
                        at[i] += 1
                    if n % 10 == 5:
                        s.write(text + f'[tariff]\nLabel.1=t{n}\n')
                        s.process.send_signal(1)
                    if n % 15 == 7:
                        # What has not been read goes with the port.
                        s.wait_telegrams(f"SOAK{n % LINES}", at[n % LINES] - 1000)
                        s.ttys[n % LINES].unplug()
                        s.ttys[n % LINES].plug()
                        identity = s.identity(n % LINES)
                        wait_until(lambda: s.converters()[identity] in ("receiving", "detecting"),
                                   "an open port")
                    s.client.get_all(bus.ROOT, bus.MANAGER)
            for turn in range(3):
                with Subscriber(broker, topic="smartmeterd/box/meter/+/active_energy_import") as sub:
                    s.client.call(bus.output_path("m"), bus.OUTPUT, "Reconnect")
                    s.wait_output("m", lambda o: o["Connected"], "a connection")
                    play(ROUNDS)
                    until(lambda: all(sub.payloads(f"smartmeterd/box/meter/SOAK{i}/"
                                                   "active_energy_import")[-1:] == [str(at[i] - 1)]
                                      for i in range(LINES)), "the last of each")
                    for i in range(LINES):
                        got[i] |= {int(p) for p in sub.payloads(
                            f"smartmeterd/box/meter/SOAK{i}/active_energy_import")}
                # The broker dies, and comes back when much has been kept for it.
                broker.kill()
                s.wait_output("m", lambda o: not o["Connected"], "its end")
                play(ROUNDS)
                broker.start()
                s.wait_output("m", lambda o: o["Spooled"] == 0 or o["Connected"] or
                              not s.client.call(bus.output_path("m"), bus.OUTPUT, "Reconnect"),
                              "a connection")
                s.wait_output("m", lambda o: o["Spooled"] == 0 and o["Queued"] == 0, "an empty spool")
                if first is None:
                    first = s.rss_kib(), s.n_fds()
            self.assertEqual(s.output("m")["Dropped"], 0)
            for i in range(LINES):
                # What came without a subscriber is retained, the newest alone: it was delivered.
                self.assertGreaterEqual(len(got[i]), 3 * ROUNDS)
            wait_until(lambda: s.n_fds() <= first[1] + 4, f"{first[1]} descriptors")
            if not os.environ.get("SMARTMETER_SANITIZER"):
                self.assertLess(s.rss_kib() - first[0], 4096)


if __name__ == "__main__":
    unittest.main(verbosity=2)
