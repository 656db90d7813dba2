/* SPDX-License-Identifier: MIT */
/* The findings of smctl doctor, each with its fix. */

import { isPrivileged, smctlJson } from "./smctl.js";
import { _, actions, format, h, more, note, p, primary, replace } from "./text.js";

const KINDS = { wrong: ["✗", _("wrong")], skipped: ["–", _("not checked")], ok: ["✓", _("in order")] };

export class Doctor {
	constructor() {
		this.summary = h("h2", { role: "status" });
		this.list = h("ul", { class: "checks" });
		this.button = primary(_("Check again"), () => this.show());
		this.skipped = h("ul", { class: "checks" });
		this.element = h("div", { class: "card doctor" }, this.summary, this.list, more(KINDS.skipped[1], this.skipped), actions(this.button));
	}

	async show() {
		this.button.disabled = true;
		this.summary.textContent = _("Looking…");
		try {
			this.draw(await smctlJson(["doctor"], { findings: true, superuser: await isPrivileged() ? "require" : null }));
		} catch (error) {
			this.summary.textContent = error.message;
		}
		this.button.disabled = false;
	}

	draw({ ok, checks }) {
		const wrong = checks.filter(c => c.status === "wrong").length;
		const item = c => h("li", { class: c.status, "data-check": c.check }, h("span", { class: "mark", role: "img", "aria-label": KINDS[c.status][1] }, KINDS[c.status][0]),
			h("div", {}, p(c.about ? c.about + ": " : "", c.finding), c.cure && note("cure", c.cure)));
		this.summary.textContent = ok ? _("All is well.") : wrong === 1 ? _("1 finding") : format(_("$0 findings"), wrong);
		const items = kind => checks.filter(c => c.status === kind).map(item);
		replace(this.list, items("wrong"), items("ok"));
		replace(this.skipped, items("skipped"));
		this.element.dataset.findings = wrong;
	}
}
