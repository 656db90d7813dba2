/* SPDX-License-Identifier: MIT */
/* Windows in the window: one at a time, closed by Escape, with the focus kept inside. */

import { _, actions as rowOf, button as plain, choices, h, replace } from "./text.js";

/*
 * Opens one. body: elements. actions: [{ label, primary, run }]; run may return a promise: it is
 * waited for, its failure is shown, and unless it gives true the dialog closes after it.
 * Returns { element, say(text), close() }.
 */
export function openDialog(title, body, actions, onclose) {
	const status = h("p", { class: "status", role: "status" });
	const heading = h("h2", { id: "dialog-title" }, title);
	const buttons = rowOf();
	const element = h("dialog", { "aria-labelledby": "dialog-title" });
	const dialog = {
		element,
		say: (text, bad) => {
			status.className = bad ? "status bad" : "status";
			replace(status, text);
		},
		close: () => element.close(),
		setActions: list => replace(buttons, list.map(button), button({ label: _("Close") })),
	};

	function button(action) {
		const node = plain(action.label, async () => {
			if (!action.run)
				return element.close();
			node.disabled = true;
			dialog.say("…");
			try {
				if (await action.run(dialog) !== true)
					element.close();
			} catch (error) {
				dialog.say(error.message || String(error), true);
			}
			node.disabled = false;
		}, { class: action.primary && "primary" });
		return node;
	}

	dialog.setActions(actions);
	/* Enter in a field is the first button. */
	const form = h("form", { method: "dialog" }, heading, body, status, buttons);
	form.addEventListener("submit", event => {
		event.preventDefault();
		const first = buttons.querySelector("button.primary");
		if (first && !first.disabled)
			first.click();
	});
	element.append(form);
	element.addEventListener("close", () => {
		element.remove();
		if (onclose)
			onclose();
	});
	document.body.append(element);
	element.showModal();
	return dialog;
}

/* One with a single thing to do. */
export const ask = (title, body, label, run) => openDialog(title, body, [{ label, primary: true, run }]);

/* The content of a field, or a tick, as an option of smctl. */
export const option = (name, { input }) => input.type === "checkbox" ? input.checked ? ["--" + name] : [] : input.value ? [`--${name}=${input.value}`] : [];

let fields = 0;
export function field(label, attributes, hint) {
	const id = "field-" + ++fields;
	const input = h(attributes.options ? "select" : "input",
		{ id, autocomplete: "off", spellcheck: "false", autocapitalize: "off",
		  ...attributes, options: null, "aria-describedby": hint ? id + "-hint" : null },
		choices(attributes.options || []));
	const row = h("div", { class: "field" }, h("label", { for: id }, label), input,
		hint && h("small", { id: id + "-hint" }, hint));
	return { row, input };
}
