/* SPDX-License-Identifier: MIT */
/*
 * The page: one look at the service after another, and telegrams as they come.
 *
 *     smctl status --json  (every few seconds, and after each act) ─► guide, views
 *     smctl monitor --json (as long as the page is open)           ─► live view
 */
/* global cockpit */

import { Converters } from "./converters.js";
import { Doctor } from "./doctor.js";
import { Guide } from "./guide.js";
import { History } from "./history.js";
import { openKey } from "./key.js";
import { Live } from "./live.js";
import { Outputs } from "./outputs.js";
import { smctlJson, smctlStream } from "./smctl.js";
import { _, button, h, locale, setBadge } from "./text.js";

const LOOK_EVERY_MS = 3000;

class Page {
	constructor() {
		this.status = { converters: [], meters: [], outputs: [] };
		this.waiters = { now: [], next: [] };
		this.guide = new Guide(this);
		this.views = {
			live: [_("Now"), new Live(this)], history: [_("History"), new History(this)], converters: [_("Converters"), new Converters(this)],
			outputs: [_("Brokers"), new Outputs(this)], doctor: [_("Doctor"), new Doctor()],
		};
		const views = Object.entries(this.views);
		this.badge = h("span");
		this.tabs = h("div", { role: "tablist", class: "tabs", "aria-label": _("Views"), onkeydown: event => this.walk(event) },
			views.map(([name, [label]]) => button(label, () => this.open(name), { role: "tab", id: "tab-" + name, "aria-controls": "view-" + name })));
		const panels = views.map(([name, [, view]]) => h("section", { role: "tabpanel", id: "view-" + name, "aria-labelledby": "tab-" + name, hidden: true }, view.element));
		document.title = _("Smart meters");
		document.getElementById("page").replaceWith(h("main", { id: "page" }, h("div", { class: "top" }, h("h1", {}, document.title), this.badge), this.guide.element, this.tabs, panels));
		document.documentElement.lang = locale;
		this.show();
		cockpit.addEventListener("locationchanged", () => this.show());
		cockpit.addEventListener("visibilitychange", () => cockpit.hidden || this.refresh());
		this.refresh();
		this.monitor();
	}

	open(name) {
		cockpit.location.go([name]);
	}

	show() {
		const [wanted] = cockpit.location.path, name = this.views[wanted] ? wanted : "live";
		if (this.shown === name)
			return;
		this.shown = name;
		for (const other of Object.keys(this.views)) {
			const tab = document.getElementById("tab-" + other);
			tab.setAttribute("aria-selected", String(other === name));
			tab.tabIndex = other === name ? 0 : -1;
			if (other === name)
				tab.scrollIntoView({ block: "nearest" });
			document.getElementById("view-" + other).hidden = other !== name;
			this.views[other][1].visible = other === name;
		}
		this.views[name][1].show?.();
	}

	/* Arrow keys go from tab to tab, as in every tab list. */
	walk(event) {
		const tabs = [...this.tabs.children], at = tabs.indexOf(document.activeElement);
		const to = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: (at + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
		if (to === undefined)
			return;
		tabs[to].focus();
		tabs[to].click();
		event.preventDefault();
	}

	meter(id) {
		return this.status.meters.find(meter => meter.id === id);
	}

	converter(id) {
		return this.status.converters.find(converter => converter.id === id);
	}

	openKey(meter) {
		openKey(meter, this);
	}

	/* Resolves after the next look that begins from now on. */
	nextStatus() {
		const then = this.looking ? this.waiters.next : this.waiters.now;
		return new Promise(resolve => then.push(resolve));
	}

	/* One look at a time; a request meanwhile causes one more. */
	async refresh() {
		if (this.looking) {
			this.again = true;
			return;
		}
		this.looking = true;
		clearTimeout(this.timer);
		try {
			this.status = await smctlJson(["status"]);
			setBadge(this.badge, "smartmeterd " + this.status.service.version, this.status.service.state === "running" ? "good" : "warn");
			this.guide.update(this.status);
			for (const [, view] of Object.values(this.views))
				view.update?.(this.status);
		} catch (error) {
			setBadge(this.badge, _("not running"), "bad");
			this.guide.fail(error.message);
		}
		this.looking = false;
		const done = this.waiters.now;
		this.waiters = { now: this.waiters.next, next: [] };
		done.forEach(resolve => resolve());
		this.timer = setTimeout(() => cockpit.hidden || this.refresh(), this.again ? 0 : LOOK_EVERY_MS);
		this.again = false;
	}

	async monitor() {
		for (let pause = 1000; ; pause = Math.min(pause * 2, 30000)) {
			const stream = smctlStream(["monitor"], telegram => {
				pause = 1000;
				if (!this.views.live[1].telegram(telegram))
					this.refresh();
			});
			await stream.ended.catch(() => this.refresh()); /* which says why */
			await new Promise(resolve => setTimeout(resolve, pause));
		}
	}
}

/* Cockpit's own switch, else what the desktop wants. */
const dark = matchMedia("(prefers-color-scheme: dark)");
function theme(style) {
	const wanted = style || localStorage.getItem("shell:style") || "auto";
	document.documentElement.classList.toggle("dark", wanted === "dark" || wanted === "auto" && dark.matches);
}
theme();
dark.addEventListener("change", () => theme());
addEventListener("storage", event => event.key === "shell:style" && theme());
addEventListener("cockpit-style", event => theme(event.detail && event.detail.style));

window.smartmeters = new Page();
