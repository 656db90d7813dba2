/* SPDX-License-Identifier: MIT */
/* Where readings go: brokers and other outputs, and the configuration that names them. */

import { ask, field, option } from "./dialog.js";
import { change, smctlJson } from "./smctl.js";
import { _, actions, button, card, cards, dim, factList, fill, h, isNew, known, note, number, p, primary, replace } from "./text.js";

export function openBroker(page) {
	const host = field(_("Host"), { name: "host", value: "localhost" }, _("Name or address of the machine with the broker."));
	const port = field(_("Port"), { name: "port", type: "number", placeholder: "1883" });
	const user = field(_("User, if it asks for one"), { name: "user" });
	const password = field(_("Password"), { name: "password", type: "password" });
	const tls = field(_("Encryption"), { name: "tls", options: [["", _("none")], ["tls", "TLS"]] });
	ask(_("Send to a broker"), [
		p(_("An MQTT broker hands the readings to Home Assistant, Jeedom and others. It is tried at once.")), host.row, port.row, user.row, password.row, tls.row,
	], _("Try and save"), async dialog => {
		dialog.say(_("Trying…"));
		await change(["set-broker", "--json", ...option("user", user), ...(tls.input.value ? ["--tls"] : []), ...option("port", port), "--", host.input.value], { input: password.input.value + "\n" })
			.catch(error => Promise.reject(error.output ? { message: JSON.parse(error.output).error } : error)).finally(() => page.refresh());
	});
	host.input.focus();
}

export class Outputs {
	constructor(page) {
		this.page = page;
		this.list = cards();
		this.result = h("div", { role: "status" });
		this.element = h("div", {}, actions(primary(_("Send to a broker…"), () => openBroker(page)),
			button(_("Check the configuration"), () => this.check()), button(_("Read it again"), () => this.reload())), this.result, this.list);
	}

	update(status) {
		if (isNew(this, status.outputs))
			fill(this.list, status.outputs.map(o => this.card(o)), _("Readings go nowhere yet: the configuration names no broker."));
	}

	card(output) {
		const facts = [[_("Sent"), output.published], [_("Waiting"), output.queued + output.spooled], [_("Given up"), output.dropped]].filter(fact => known(fact[1]));
		return card({ "data-output": output.name }, output.name, output.connected ? [_("connected"), "good"] : [_("not connected"), "bad"],
			dim(output.kind), output.last_error && p(output.last_error),
			factList(facts.map(([term, value]) => [term, number(value)])));
	}

	showResult(text, kind) {
		replace(this.result, note("alert " + kind, text));
	}

	/* Runs it, and shows why it failed. */
	async attempt(run) {
		try {
			await run();
		} catch (error) {
			this.showResult(error.message, "bad");
		}
	}

	check() {
		return this.attempt(async () => {
			const findings = await smctlJson(["check-config"], { change: true, findings: true });
			if (findings.length)
				replace(this.result, h("ul", { class: "alert bad" }, findings.map(f => h("li", {}, `${f.file}:${f.line}: ${f.message}`))));
			else
				this.showResult(_("The configuration is in order."), "good");
		});
	}

	async reload() {
		await this.attempt(async () => {
			const { warnings } = await smctlJson(["reload"], { change: true });
			this.showResult([_("The configuration is in force."), ...warnings].join(" "), "good");
		});
		this.page.refresh();
	}
}
