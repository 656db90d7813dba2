/* SPDX-License-Identifier: MIT */
/* Converters: the state of each, which one is which, and the actions on it. */

import { ask, field, openDialog, option } from "./dialog.js";
import { change, smctlJson, smctlStream } from "./smctl.js";
import { _, actions, button, card, cards, factList, fill, format, h, isNew, more, p, primary, quantity, save } from "./text.js";

const STATES = {
	ignored: [_("left alone"), ""], waiting: [_("not plugged in"), "warn"], denied: [_("may not be opened"), "bad"], busy: [_("held by another program"), "bad"],
	detecting: [_("looking for the meter"), "warn"], receiving: [_("receiving"), "good"], silent: [_("silent"), "bad"], "no-meter": [_("no meter found"), "bad"],
	inhibited: [_("lent to another program"), "warn"], gone: [_("unplugged"), ""],
};

export function converterName(converter) {
	return [converter.vendor, converter.product].filter(Boolean).join(" ").replaceAll("_", " ") || converter.device || converter.id;
}

export async function openAdopt(converter, page) {
	const profiles = await smctlJson(["profiles"]).catch(() => []);
	const profile = field(_("Meter family"), { name: "profile", options: [["", _("found by itself")], ...profiles.map(p => [p.name, [p.manufacturer, p.model].filter(Boolean).join(" ") || p.name])] });
	const line = field(_("Line"), { name: "line", placeholder: _("found by itself") }, _("Only if the service does not find it: 2400 8E1"));
	ask(format(_("Use $0"), converterName(converter)), [
		p(format(_("The service will open $0 and look for a meter. No other program can use the port then."), converter.device)),
		more(_("Say what is there"), profile.row, line.row),
	], _("Use it"), async () => {
		await change(["adopt", "--json", ...option("profile", profile), ...option("line", line), "--", converter.device]);
		page.refresh();
	});
}

/* Identifies a converter: the user pulls it out, and the one that disappears is it. */
export function openIdentify(page) {
	const story = h("ol", { class: "story", role: "log", "aria-live": "polite" });
	const last = {};
	const dialog = openDialog(_("Which one is it?"), [
		p(_("Pull out the converter that you mean, wait for its name, and plug it in again. Or plug in one that was not there.")), story,
	], [], () => stream.close());
	const add = (text, kind) => {
		story.append(...String(text).split("\n").map(line => h("li", { class: kind }, line)));
		story.lastChild.scrollIntoView({ block: "nearest" });
	};
	const stream = smctlStream(["identify"], step => {
		Object.assign(last, { id: step.id || last.id, event: step.event });
		add(step.sentence, step.event);
		page.refresh();
	});
	stream.ended.catch(error => error.message).then(async message => {
		page.refresh();
		await page.nextStatus();
		if (!dialog.element.isConnected)
			return;
		const converter = page.converter(last.id);
		if (last.event === "left" && converter) {
			dialog.setActions([{ label: _("Use it"), primary: true, run: async () => {
				dialog.close();
				await openAdopt(converter, page);
				return true;
			} }]);
		} else if (last.event === "key") {
			const meter = page.status.meters.find(m => m.converter === last.id);
			if (meter)
				dialog.setActions([{ label: _("Enter the key"), primary: true, run: async () => page.openKey(meter) }]);
		} else if (message) {
			add(message, "bad");
		}
	});
}

const secondsField = value => field(_("Seconds"), { type: "number", min: 5, max: 600, value, name: "seconds" });

function capture(converter) {
	const seconds = secondsField(30);
	ask(_("Record raw bytes"), [
		p(_("What the meter sends is recorded while the service goes on reading. The file shows your consumption and the meter's number: a report has neither.")), seconds.row,
	], _("Record"), async dialog => {
		dialog.say(_("Recording…"));
		const data = await change(["capture", ...option("seconds", seconds), "--", converter.id], { binary: true });
		save(converter.device.replace(/^\/dev\//, "").replace(/[^\w.-]/g, "_") + ".bin", data, "application/octet-stream");
		dialog.say(format(_("$0 recorded."), quantity(data.length / 1000, "kB")));
		return true;
	});
}

/* An unknown list: the values of the display are looked for in it. */
function learn(converter) {
	const shown = ["1.8.0 kWh", "2.8.0 kWh", "1.7.0 W"].map(name => ({ words: name.split(" "), ...field(name, { name, inputmode: "decimal" }) }));
	const maker = field(_("Three letters of the maker"), { name: "maker" }), model = field(_("Model"), { name: "model" }), seconds = secondsField(60);
	ask(_("Teach"), [p(_("What this meter sends has no names. Type what its display shows now: it is looked for in the telegrams.")),
		shown.map(f => f.row), more(_("Say what is there"), maker.row, model.row, seconds.row)], _("Learn"), async dialog => {
		dialog.say(_("Listening for a few telegrams…"));
		const values = shown.filter(f => f.input.value).map(f => f.words[0] + "=" + f.input.value.trim().replace(",", ".") + f.words[1]);
		const { facts, profile } = await smctlJson(["learn", "--set", ...option("maker", maker), ...option("model", model), ...option("seconds", seconds), "--", converter.id, ...values], { change: true, findings: true });
		if (!profile)
			throw new Error(facts.filter(f => f.reason).map(f => f.word + ": " + f.reason).join(" · "));
		await change(["reload", "--json"]);
		dialog.say(profile + " ✓");
		return true;
	});
}

function report(converter) {
	ask(_("Report a fault"), [
		p(_("A report has some telegrams, facts about this machine and what was made of them; numbers of meters and keys are replaced. It is saved as a file, and sent nowhere.")),
	], _("Make the report"), async dialog => {
		dialog.say(_("Listening for a few telegrams…"));
		save("smartmeterd-report.txt", await change(["report", "--output=-", "--", converter.id]), "text/plain");
	});
}

function confirm(title, text, label, verb, converter, page) {
	ask(title, [p(text)], label, async () => {
		await change([verb, "--json", "--", converter.id]);
		page.refresh();
	});
}

export class Converters {
	constructor(page) {
		this.page = page;
		this.list = cards();
		this.element = h("div", {}, actions(primary(_("Which one is it?"), () => openIdentify(page))), this.list);
	}

	update(status) {
		const facts = status.converters.map(c => [c.id, c.state, c.state_code, c.state_reason, c.device, c.line, c.meters, c.vendor, c.product, c.holder_pid, c.profile]);
		if (!isNew(this, facts))
			return;
		const focused = document.activeElement?.dataset.focus;
		fill(this.list, status.converters.map(c => this.card(c)), _("No converter is plugged in."));
		if (focused)
			[...this.list.querySelectorAll("[data-focus]")].find(node => node.dataset.focus === focused)?.focus();
	}

	card(converter) {
		const page = this.page, present = !/gone|waiting/.test(converter.state);
		const facts = [[_("Port"), converter.device], [_("Line"), converter.line], [_("Meters"), converter.meters.join(", ")], [_("Family"), converter.profile], [_("Known as"), converter.id]];
		const action = (label, run, kind) => button(label, run, { class: kind, "data-focus": converter.id + label });
		const used = converter.state !== "ignored";
		return card({ class: "converter", "data-converter": converter.id }, converterName(converter), STATES[converter.state] || [converter.state, "bad"],
			converter.state_reason && p(converter.state_reason),
			factList(facts),
			actions(
				present && (used ? [
					action(_("Look for the line again"), () => confirm(_("Look for the line again"), _("Telegrams may be lost for a minute."), _("Look for it"), "probe", converter, page)),
					action(_("Record raw bytes…"), () => capture(converter)),
					converter.state_code === "unknown-list" && action(_("Teach…"), () => learn(converter), "primary"),
					action(_("Report…"), () => report(converter)),
				] : action(_("Use it…"), () => openAdopt(converter, page), "primary")),
				used && action(_("Forget…"), () => confirm(_("Forget"), _("What was learned about this converter is dropped: that it is in use, its line, its keys."), _("Forget it"), "forget", converter, page))));
	}
}
