/* SPDX-License-Identifier: MIT */
/* The counts of another program: a table of the user's, for smctl import-history. */

import { ask, field, option } from "./dialog.js";
import { change } from "./smctl.js";
import { _, format, more, p } from "./text.js";

/* Options of smctl, and its words for them. */
const OPTIONS = [
	["time", _("the column of the time")], ["import", _("the column or entity of the energy drawn")], ["export", _("the column or entity of the energy fed in")],
	["import-t1", _("the energy drawn in tariff 1")], ["import-t2", _("the energy drawn in tariff 2")], ["unit", _("the unit of values that do not tell theirs: kWh")],
	["energy", _("values are what was counted since the time of their line"), "checkbox"], ["replace", _("replace what was measured, too"), "checkbox"],
];

export function openImport(meter, done) {
	const file = field(_("Table (CSV)"), { type: "file", name: "file", accept: ".csv,.txt" });
	const said = OPTIONS.map(([name, label, type = "text"]) => [name, field(label, { name, type })]);
	ask(format(_("What was counted before: $0"), meter), [
		p(_("A table of Home Assistant's or of your own is taken into the history: its first line names the columns. What was measured stays.")),
		file.row, more(_("Say what is there"), said.map(([, f]) => f.row)),
	], _("Import"), async dialog => {
		const [table] = file.input.files;
		if (!table)
			throw new Error(_("Choose a file first."));
		const args = ["import-history", ...said.flatMap(([name, f]) => option(name, f)), "--", "-", meter];
		dialog.say(await change(args, { input: await table.text() }).catch(error => {
			throw new Error(error.message.replace(/^-(?=:)/, table.name));
		}));
		done();
		return true;
	});
}
