/* SPDX-License-Identifier: MIT */
/* The energy that a meter counted: by hour, day or month, as bars and as a table. */

import { barChart, barTicks } from "./chart.js";
import { openImport } from "./import.js";
import { smctl, smctlJson } from "./smctl.js";
import { _, actions, button, choices, counted, format, h, isNew, known, more, note, number, part, power, replace, row, save, scrolled, segments, shift, terms } from "./text.js";

const MONTH = { month: "long", year: "numeric" }, DATE = { day: "numeric", ...MONTH };
const SPANS = {
	day: { label: _("Day"), step: { hour: "2-digit", minute: "2-digit" }, title: { weekday: "long", ...DATE }, days: 1 },
	week: { label: _("Week"), step: { weekday: "long", day: "numeric", month: "long" }, tick: { weekday: "short" }, title: DATE, range: true, days: 7 },
	month: { label: _("Month"), step: { weekday: "short", day: "numeric", month: "long" }, tick: { day: "numeric" }, title: MONTH, months: 1 },
	year: { label: _("Year"), step: MONTH, tick: { month: "short" }, title: MONTH, range: true, months: 12 },
};

export class History {
	constructor(page) {
		this.page = page;
		this.span = "day";
		this.date = null; /* the day, or the last day of the span; null: now */
		this.asked = 0;
		this.meters = h("select", { "aria-label": _("Meter"), onchange: () => this.go(null) });
		this.tariffs = h("select", { "aria-label": _("Tariff"), onchange: () => this.load() },
			choices([["", _("All tariffs")], ...[1, 2, 3, 4].map(n => [n, format(_("Tariff $0"), n)])]));
		this.back = button("‹", () => this.move(-1), { "aria-label": _("Earlier") });
		this.on = button("›", () => this.move(1), { "aria-label": _("Later") });
		this.title = h("h2", { "aria-live": "polite" });
		this.sums = h("dl", { class: "facts sums" });
		this.figure = h("div", { class: "figure" });
		this.readout = note("dim readout");
		this.table = scrolled(_("As a table"));
		this.empty = note("empty card", _("No meter has been heard yet."));
		this.body = h("div", { class: "card history", hidden: true },
			h("div", { class: "toolbar" }, this.meters, segments(Object.entries(SPANS).map(([name, span]) => [name, span.label]), this.span, name => {
				this.span = name;
				this.go(null);
			}), this.tariffs),
			h("div", { class: "toolbar title" }, this.back, this.title, this.on),
			this.sums, this.figure, this.readout,
			more(_("As a table"), this.table),
			actions(button(_("Download as CSV"), () => this.download()), button(_("Import…"), () => openImport(this.meters.value, () => this.load()))));
		this.element = h("div", {}, this.empty, this.body);
	}

	update(status) {
		const meters = status.meters.map(meter => [meter.id, meter.name ? meter.name + " · " + meter.id : meter.id]);
		if (isNew(this, meters)) {
			const chosen = this.meters.value;
			replace(this.meters, choices(meters));
			this.empty.hidden = meters.length > 0;
			this.body.hidden = !meters.length;
			if (meters.some(([id]) => id === chosen))
				this.meters.value = chosen;
			if (this.visible)
				this.load();
		}
	}

	show() {
		this.load();
	}

	go(date) {
		this.date = date;
		this.on.disabled = !date;
		this.load();
	}

	/* The span before or after the one that was asked for, drawn yet or not. */
	move(direction) {
		const last = this.date || this.today;
		if (!last)
			return;
		const { days, months } = SPANS[this.span], length = months ? 7 : 10;
		const date = months ? shift(last.slice(0, 7) + "-01", { months: months * direction }) : shift(last, { days: days * direction });
		this.go(direction > 0 && date.slice(0, length) >= this.today.slice(0, length) ? null : date);
	}

	words(extra = []) {
		return ["history", "--" + this.span, ...(this.date ? ["--date=" + this.date] : []), ...(this.tariffs.value ? ["--tariff=" + this.tariffs.value] : []), ...extra, "--", this.meters.value];
	}

	async load() {
		if (!this.meters.value)
			return undefined;
		const asked = ++this.asked, answer = await smctlJson(this.words()).catch(error => error);
		if (asked !== this.asked)
			return undefined;
		return answer.steps ? this.draw(answer) : replace(this.figure, note("alert bad", answer.message));
	}

	draw({ steps, unit, currency }) {
		const span = SPANS[this.span], last = steps.at(-1).from;
		const digits = this.span === "day" ? 3 : 1;
		const value = v => counted(v, unit, digits), name = step => part(step.from, span.step);
		const money = v => number(v, 2) + " " + (currency || "");
		const sum = key => steps.some(s => known(s[key])) ? steps.reduce((total, s) => total + (s[key] || 0), 0) : NaN;
		const peak = Math.max(...steps.map(s => s.power_greatest ?? -Infinity));
		this.last = last;
		if (!this.date)
			this.today = last;
		this.title.textContent = (span.range ? part(steps[0].from, span.title) + " – " : "") + part(last, span.title);
		const facts = [[_("Drawn"), value(sum("import")), "swatch"], sum("export") > 0 && [_("Fed in"), value(sum("export")), "swatch export"],
			known(peak) && [_("Greatest power"), power(peak)], known(sum("cost")) && [_("Cost"), money(sum("cost"))]].filter(Boolean);
		replace(this.sums, terms(facts));
		const words = i => {
			const s = steps[i];
			if (s.import === null && s.export === null)
				return name(s) + ": " + _("nothing is known");
			return [name(s) + ": " + value(s.import), s.export > 0 && format(_("fed in $0"), value(s.export)),
				s.power_greatest !== null && format(_("up to $0"), power(s.power_greatest)), known(s.cost) && money(s.cost)].filter(Boolean).join(", ");
		};
		this.readout.textContent = " ";
		const ticks = barTicks(steps, span.tick && (from => part(from, span.tick)));
		replace(this.figure, unit ? barChart({
			steps: steps.map((s, i) => ({ up: s.import, down: s.export, tick: ticks[i] })),
			label: this.title.textContent + ": " + facts.map(fact => fact[0] + " " + fact[1]).join(", "),
			axis: v => counted(v, unit, v && v < (unit === "Wh" ? 1000 : 10) ? 1 : 0),
			words, readout: this.readout,
		}) : note("empty", _("nothing is known")));
		const heads = [_("Begin"), _("Drawn"), _("Fed in"), _("Least power"), _("Greatest power"), ...(known(sum("cost")) ? [_("Cost")] : [])];
		replace(this.table, h("table", {}, h("thead", {}, row(heads, "th")), h("tbody", {}, steps.map(s => row([name(s), value(s.import), value(s.export), power(s.power_least), power(s.power_greatest),
			...(heads.length > 5 ? [known(s.cost) ? money(s.cost) : "–"] : [])])))));
		this.body.dataset.drawn = [this.meters.value, this.span, this.date || "now", this.tariffs.value].join(" ");
		this.body.dataset.sum = sum("import");
	}

	download() {
		return smctl(this.words(["--csv"])).then(table => save(`${this.meters.value}-${this.span}-${(this.last || "").slice(0, 10)}.csv`, table, "text/csv"),
			error => (this.readout.textContent = error.message));
	}
}
