/* SPDX-License-Identifier: MIT */
/* What is wrong, and what cures it. */

import { isPrivileged, smctlJson } from "./smctl.js";
import { _, actions, format, h, p, primary, replace } from "./text.js";

const MARKS = { ok: "✓", wrong: "✗", skipped: "–" };

export class Doctor {
	constructor() {
		this.summary = h("h2", { role: "status" });
		this.list = h("ul", { class: "checks" });
		this.button = primary(_("Check again"), () => this.run());
		this.element = h("div", { class: "card doctor" }, this.summary, this.list, actions(this.button));
	}

	show() {
		this.run();
	}

	async run() {
		this.button.disabled = true;
		this.summary.textContent = _("Looking…");
		try {
			const result = await smctlJson(["doctor"], { findings: true, superuser: await isPrivileged() ? "require" : null });
			this.draw(result);
		} catch (error) {
			this.summary.textContent = error.message;
		}
		this.button.disabled = false;
	}

	draw({ ok, checks }) {
		const wrong = checks.filter(c => c.status === "wrong"), fine = checks.filter(c => c.status === "ok"), skipped = checks.filter(c => c.status === "skipped");
		const words = { ok: _("in order"), wrong: _("wrong"), skipped: _("not checked") };
		const item = c => h("li", { class: c.status, "data-check": c.check }, h("span", { class: "mark", role: "img", "aria-label": words[c.status] }, MARKS[c.status]),
			h("div", {}, p(c.about ? c.about + ": " : "", c.finding), c.cure && h("p", { class: "cure" }, c.cure)));
		this.summary.textContent = ok ? _("All is well.") : wrong.length === 1 ? _("1 finding") : format(_("$0 findings"), wrong.length);
		replace(this.list, [...wrong, ...skipped, ...fine].map(item));
		this.element.dataset.findings = wrong.length;
	}
}
