/* SPDX-License-Identifier: MIT */
/* Meters as they are now: power, its curve, counters, and all readings on request. */

import { curve } from "./chart.js";
import { openKey } from "./key.js";
import { smctlJson } from "./smctl.js";
import { _, ago, cards, counted, dim, factList, format, h, isNew, known, note, power, primary, quantity, replace, row, say, scrolled, segments, setBadge, terms } from "./text.js";

/* Name, seconds, seconds between the marks below. */
const SPANS = [[_("10 minutes"), 600, 120], [_("1 hour"), 3600, 600], [_("24 hours"), 86400, 14400]];
const LIVE_MAX = 3600; /* points of one meter that are kept */

function media(medium) {
	return { electricity: _("Electricity"), gas: _("Gas"), water: _("Water"), heat: _("Heat"), cooling: _("Cooling") }[medium] || medium;
}

const keyText = state => state === "missing" ? _("The key is missing") : state.startsWith("wrong") ? _("The key is wrong") : "";

class Card {
	constructor(meter, page) {
		this.id = meter.id;
		this.page = page;
		this.live = []; /* { t, low, high } of each telegram */
		this.minutes = []; /* the last day, from the service */
		this.span = SPANS[0];
		this.title = h("h2", { id: "meter-" + meter.id });
		this.about = dim();
		this.state = h("span");
		this.power = note("power");
		this.flow = h("span", { class: "dim" });
		this.key = h("div", { class: "alert bad", hidden: true });
		this.facts = factList([]);
		this.readout = note("dim readout");
		this.figure = h("div", { class: "figure" });
		this.curveBox = h("div", {}, segments(SPANS.map(span => [span, span[0]]), this.span, span => {
			this.span = span;
			this.draw();
		}), this.figure, this.readout);
		this.table = h("tbody");
		this.details = h("details", { ontoggle: () => this.readings() }, h("summary", {}, _("All readings")),
			scrolled(_("All readings"), h("table", {}, h("thead", {}, row([_("Reading"), _("Value"), _("Name in programs")], "th")), this.table)));
		this.element = h("article", { class: "card meter", "data-meter": meter.id, "aria-labelledby": this.title.id },
			h("header", {}, h("div", {}, this.title, this.about), this.state), this.key,
			h("div", { class: "now" }, this.power, this.flow), this.curveBox, this.facts, this.details);
		this.update(meter);
		this.fetchMinutes();
	}

	update(meter) {
		this.meter = meter;
		const maker = [meter.manufacturer_name || meter.manufacturer, meter.model].filter(Boolean).join(" ");
		say(this.title, meter.name || maker || meter.id);
		say(this.about, [meter.name ? maker : "", media(meter.medium), meter.id].filter(Boolean).join(" · "));
		const wrong = keyText(meter.key_state);
		this.key.hidden = !wrong;
		if (wrong && this.key.dataset.state !== meter.key_state) {
			this.key.dataset.state = meter.key_state;
			replace(this.key, h("span", {}, wrong + "."), primary(_("Enter the key"), () => openKey(this.meter, this.page)));
		}
		this.show();
	}

	/* A telegram: its readings are newer than those of the latest status. */
	telegram(readings, received) {
		const value = name => {
			const reading = readings.find(r => r.name === name);
			return reading && known(reading.value) ? reading.value : undefined;
		};
		const drawn = value("active_power_import"), fed = value("active_power_export"), meter = this.meter;
		const net = value("active_power_net") ?? (drawn !== undefined && fed !== undefined ? drawn - fed : drawn ?? (fed && -fed));
		if (net !== undefined) {
			meter.power_net = net;
			this.live.push({ t: received / 1e6, low: net, high: net });
			if (this.live.length > LIVE_MAX)
				this.live.shift();
		}
		for (const reading of readings)
			if (known(reading.value) && /^(active_energy|voltage|current)_/.test(reading.name))
				meter[reading.name.replace("active_", "")] = reading.value;
		meter.last_telegram_usec = received;
		meter.online = true;
		this.show();
		this.draw();
		if (this.details.open)
			this.readings();
	}

	show() {
		const meter = this.meter, electric = meter.medium === "electricity";
		const net = meter.power_net ?? meter.power_import;
		setBadge(this.state, (meter.online ? _("online") : _("offline")) + (meter.last_telegram_usec ? " · " + ago(meter.last_telegram_usec) : ""), meter.online ? "good" : "bad");
		say(this.power, electric ? power(Math.abs(net ?? NaN)) : counted(meter.counter, meter.counter_unit));
		this.power.classList.toggle("feeding", electric && net < 0);
		say(this.flow, !electric ? _("total") : net < 0 ? _("fed into the grid now") : known(net) ? _("drawn now") : _("no power was sent yet"));
		this.curveBox.hidden = !electric;
		const phase = n => ["voltage_l", "current_l"].map((name, k) => known(meter[name + n]) && quantity(meter[name + n], "VA"[k])).filter(Boolean).join(" · ");
		const facts = [electric && [_("Drawn, total"), counted(meter.energy_import, "Wh")],
			electric && known(meter.energy_export) && [_("Fed in, total"), counted(meter.energy_export, "Wh")],
			...[1, 2, 3].map(n => phase(n) && [format(_("Phase $0"), n), phase(n)]),
			meter.tariff?.active > 0 && [_("Tariff"), meter.tariff.label || meter.tariff.active]];
		if (isNew(this, facts))
			replace(this.facts, terms(facts));
	}

	async fetchMinutes() {
		if (this.meter.medium !== "electricity")
			return;
		/* Where no history is kept, the curve begins now. */
		const { steps } = await smctlJson(["history", "--power", "--", this.id]).catch(() => ({ steps: [] }));
		this.zone = steps.at(-1)?.from.slice(19);
		this.minutes = steps.filter(step => step.power_least !== null)
			.map(step => ({ t: Date.parse(step.from) / 1000 + 30, low: step.power_least, high: step.power_greatest }));
		this.draw();
	}

	draw() {
		const now = this.meter.last_telegram_usec / 1e6 || Date.now() / 1000, from = now - this.span[1];
		const first = this.live[0]?.t ?? Infinity;
		const points = [...this.minutes.filter(p => p.t < first && p.t > from), ...this.live.filter(p => p.t > from)];
		if (points.length === 0)
			return replace(this.figure, note("empty", _("The curve begins with the next telegram.")));
		if (this.figure.contains(document.activeElement) || this.figure.matches(":hover"))
			return undefined; /* someone reads it: it is not taken away below them */
		const most = Math.max(...points.map(p => p.high)), least = Math.min(...points.map(p => p.low));
		this.readout.textContent = format(_("Least $0, greatest $1"), power(least), power(most));
		return replace(this.figure, curve({
			points, from, to: now, pause: Math.max(180, 3 * (this.meter.interval_usec || 0) / 1e6), every: this.span[2], offset: this.zone, readout: this.readout, axis: power,
			label: format(_("Power, $0: least $1, greatest $2"), this.span[0], power(least), power(most)),
		}));
	}

	async readings() {
		if (!this.details.open)
			return;
		const { readings } = await smctlJson(["readings", "--", this.id]).catch(() => ({ readings: [] }));
		replace(this.table, readings.map(r => row([r.label, quantity(r.value, r.unit) + (r.flags.includes("suspect") ? " ⚠ " + _("not believed") : ""), h("code", {}, r.name)])));
	}
}

export class Live {
	constructor(page) {
		this.page = page;
		this.cards = new Map();
		this.list = cards();
		this.total = h("p", { class: "dim", role: "status" });
		this.element = h("div", {}, this.total, this.list);
		setInterval(() => this.cards.forEach(card => card.show()), 1000);
		setInterval(() => this.cards.forEach(card => card.fetchMinutes()), 60000);
	}

	update(status) {
		const present = new Set(status.meters.map(meter => meter.id));
		for (const [id, card] of this.cards)
			if (!present.has(id)) {
				card.element.remove();
				this.cards.delete(id);
			}
		for (const meter of status.meters) {
			const card = this.cards.get(meter.id);
			if (card) {
				card.update(meter);
			} else {
				this.cards.set(meter.id, new Card(meter, this.page));
				this.list.append(this.cards.get(meter.id).element);
			}
		}
		say(this.total, status.meters.length ? "" : _("No meter has been heard yet."));
	}

	/* False: the meter is not known yet. */
	telegram(object) {
		const card = this.cards.get(object.meter);
		if (card)
			card.telegram(object.readings, Date.parse(object.received) * 1000);
		return Boolean(card);
	}
}
