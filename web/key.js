/* SPDX-License-Identifier: MIT */
/* The key of an encrypted meter: where it comes from, and where it is typed in. */

import { ask, field } from "./dialog.js";
import { change } from "./smctl.js";
import { _, dim, format, h, line, p, picture, words } from "./text.js";

/* Utility → two keys → this form. */
function keyPicture() {
	const box = (x, ...inside) => h("svg:g", { transform: `translate(${x} 6)` }, inside), arrow = x => box(x, line("M0 40h30m-8-7 8 7-8 7", "accent"));
	return picture(100, _("The utility gives the key; it is typed in here; the meter is read."),
		box(4, line("M8 70V22L34 6l26 16v48zM22 70V46h24v24M34 6v16"), words(34, 86, _("Utility"))),
		arrow(92),
		box(140, line("M0 10h132v58H0z"), words(66, 34, "EK 0A1B2C3D4E…", "mono"), words(66, 54, "AK F09E8D7C6B…", "mono"), words(66, 86, _("Letter or customer portal"))),
		arrow(290),
		box(338, line("M6 6h60v62H6zM16 18h40v16H16zM16 46h8m8 0h8m8 0h8"), words(36, 86, _("Meter"))));
}

/* Waits for the next telegram, which shows whether the key is right. */
async function keyTried(id, page, dialog) {
	dialog.say(_("The service has the key. The meter's next telegram tells whether it is right…"));
	const before = page.meter(id), count = before && before.statistics["key-failures"];
	for (;;) {
		await page.nextStatus();
		const meter = page.meter(id);
		if (!dialog.element.isConnected || !meter || meter.key_state === "ok" || meter.key_state === "not-needed")
			return;
		if (meter.key_state === "wrong-authentication-key")
			throw new Error(_("The authentication key is wrong; the encryption key is right."));
		if (meter.key_state.startsWith("wrong") && meter.statistics["key-failures"] > count)
			throw new Error(_("The key is wrong: the meter's telegrams cannot be read with it. Compare it with the utility's letter, digit by digit."));
	}
}

export function openKey(meter, page) {
	const key = field(_("Encryption key"), { type: "text", class: "mono", name: "key" },
		_("32 characters, 0 to 9 and A to F. Also called EK, GUEK or GUK."));
	const auth = field(_("Authentication key, if there is one"), { type: "text", class: "mono", name: "auth" }, _("As long as the other. Also called AK or GAK."));
	ask(format(_("Key of meter $0"), meter.name || meter.id), [
		keyPicture(),
		p(format(_("What this meter says is encrypted. Your utility has its key: ask for the key of the customer interface of meter $0, in the customer portal or by mail."), meter.id)),
		key.row, auth.row,
		dim(_("The key stays on this machine, where only the service can read it.")),
	], _("Save"), async dialog => {
		const lines = [key.input.value.trim(), auth.input.value.trim()].filter(Boolean);
		if (!key.input.value.trim())
			throw new Error(_("Type the encryption key first."));
		await change(["set-key", "--json", "--", meter.id], { input: lines.join("\n") + "\n" });
		await keyTried(meter.id, page, dialog);
	});
	key.input.focus();
}
