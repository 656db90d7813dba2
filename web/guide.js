/* SPDX-License-Identifier: MIT */
/* The next step of a first visit; nothing when all is well. */

import { converterName, openAdopt, openIdentify } from "./converters.js";
import { openBroker } from "./outputs.js";
import { _, actions, button, format, h, isNew, line, p, picture, primary, replace, words } from "./text.js";

/* Meter, its customer port, the converter, this machine. */
function plugPicture() {
	return picture(112, _("A cable goes from the meter's customer port to the converter, and the converter into a USB socket of this machine."),
		line("M10 6h84v82H10zM22 18h60v24H22zM30 30h44M44 60h16v14H44z"), line("M60 67h70c14 0 14-25 28-25h22", "accent"),
		line("M180 30h56v24h-56zM236 36h16v12h-16z"), line("M252 42h46", "accent"), line("M298 18h112v52H298zM330 88h48M354 70v18M308 36h10v12h-10z"),
		words(52, 106, _("Meter")), words(216, 106, _("Converter")), words(354, 106, _("This machine")));
}

function steps(status, page) {
	const { converters, meters, outputs } = status;
	const used = converters.filter(c => !/ignored|gone/.test(c.state)), ignored = converters.filter(c => c.state === "ignored");
	const bad = used.find(c => /denied|busy|silent|no-meter|unknown-list/.test(c.state + c.state_code));
	const keyless = meters.find(m => m.key_state === "missing" || m.key_state.startsWith("wrong"));
	if (keyless)
		return ["key", format(_("The meter $0 needs a key"), keyless.name || keyless.id), [p(_("It is heard, and what it says is encrypted. The utility gives the key."))], [primary(_("Enter the key"), () => page.openKey(keyless))]];
	if (used.length === 0 && ignored.length > 0)
		return ["ignored", _("Is there a meter behind one of these?"), [p(_("Converters of this kind are used for many things, so the service leaves them alone until you say which one it may use.")),
			h("ul", {}, ignored.map(c => h("li", {}, converterName(c) + " · " + c.device)))],
		[primary(_("Which one is it?"), () => openIdentify(page)), ignored.length === 1 && button(_("Use it…"), () => openAdopt(ignored[0], page))]];
	if (converters.length === 0 || used.every(c => c.state === "waiting") && meters.length === 0)
		return ["plug", _("Plug the converter in"), [plugPicture(), p(_("Put its cable into the meter's customer port, and the converter into a USB socket of this machine. It is found by itself; nothing needs to be set."))], []];
	if (bad)
		return ["trouble", format(_("$0 does not read a meter"), converterName(bad)), [p(bad.state_reason)], [primary(_("What can I do?"), () => page.open("doctor"))]];
	if (meters.length === 0)
		return ["detecting", _("Looking for the meter…"), [p(_("The service tries line settings until telegrams come. With meters that send every few minutes it takes as long.")), h("progress", { "aria-label": _("Looking for the meter…") })], []];
	if (outputs.length === 0)
		return ["broker", _("The meter is read. Where shall the readings go?"), [p(_("They can be looked at here. For Home Assistant, Jeedom and others, name an MQTT broker."))], [primary(_("Send to a broker…"), () => openBroker(page))]];
	return null;
}

export class Guide {
	constructor(page) {
		this.page = page;
		this.element = h("section", { class: "card guide", "aria-live": "polite", "aria-label": _("Next step"), hidden: true });
	}

	update(status) {
		this.set(steps(status, this.page) || ["done"]);
	}

	/* The service does not answer. */
	fail(message) {
		this.set(["service", _("The service does not answer"), [p(message)], [primary(_("What can I do?"), () => this.page.open("doctor")),
			button(_("The service in Cockpit"), () => cockpit.jump("/system/services#/smartmeterd.service"))]]);
	}

	/* Drawn anew only when its words are others. */
	set([step, title, body, buttons]) {
		if (!isNew(this, [step, title, body && body.map(node => node.textContent)]))
			return;
		this.element.hidden = !title;
		this.element.dataset.step = step;
		replace(this.element, title && [h("h2", {}, title), body, actions(buttons)]);
	}
}
