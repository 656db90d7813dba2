/* SPDX-License-Identifier: MIT */
/* Elements, numbers and times as the reader's language writes them. */
/* global cockpit */

export const _ = cockpit.gettext;
export const format = cockpit.format;

export const locale = (cockpit.language || "en").replace("_", "-");

/* h("button", { class: "primary", onclick: f }, "text", child, null) */
export function h(tag, attributes, ...children) {
	const svg = tag.startsWith("svg:");
	const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
		: document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (name.startsWith("on"))
			element.addEventListener(name.slice(2), value);
		else if (value === true)
			element.setAttribute(name, "");
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(name, value);
	}
	element.append(...present(children));
	return element;
}

/* Children may be lists, or missing. */
const present = children => children.flat(3).filter(child => child || child === "");

export function replace(element, ...children) {
	element.replaceChildren(...present(children));
}

export const button = (label, onclick, attributes) => h("button", { type: "button", onclick, ...attributes }, label);
export const primary = (label, onclick) => button(label, onclick, { class: "primary" });

export const note = (kind, ...inside) => h("p", { class: kind }, inside);
export const p = (...inside) => note(null, inside);
export const dim = (...inside) => note("dim", inside);
export const more = (label, ...inside) => h("details", {}, h("summary", {}, label), inside);
export const actions = (...inside) => h("div", { class: "actions" }, inside);

/* [term, text, class of the term]; without a text it is left out. */
export const terms = facts => facts.filter(fact => fact && fact[1]).map(([term, text, kind]) => h("div", {}, h("dt", { class: kind }, term), h("dd", {}, text)));

export const factList = facts => h("dl", { class: "facts" }, terms(facts));

export const cards = () => h("div", { class: "cards" });
export const fill = (list, cards, empty) => replace(list, cards.length ? cards : note("empty card", empty));

export const row = (cells, tag = "td") => h("tr", {}, cells.map((cell, i) => h(i ? tag : "th", { class: i ? "right" : null, scope: tag === "th" ? "col" : i ? null : "row" }, cell)));

/* Buttons of which one is chosen: [[value, label]]. */
export function segments(choices, chosen, onchoose) {
	const group = h("div", { class: "segments", role: "group", "aria-label": _("Time shown") }, choices.map(([value, label]) => button(label, event => {
		for (const other of group.children)
			other.setAttribute("aria-pressed", other === event.currentTarget);
		onchoose(value);
	}, { "aria-pressed": String(value === chosen) })));
	return group;
}

export const scrolled = (label, ...inside) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, inside);

/* A drawing of lines and words. */
export const line = (d, extra = "") => h("svg:path", { d, class: "draw " + extra });
export const words = (x, y, text, extra = "") => h("svg:text", { x, y, class: "draw-text " + extra }, text);
export const picture = (height, label, ...inside) => h("svg:svg", { viewBox: "0 0 420 " + height, class: "picture", role: "img", "aria-label": label }, inside);

/* One thing of many, with its state. */
export const card = (attributes, title, [text, kind], ...inside) => h("article", { "aria-label": title, ...attributes, class: "card " + (attributes.class || "") },
	h("header", {}, h("h2", {}, title), h("span", { class: "badge " + kind }, text)), inside);

/* True when `value` differs from last time: the same is not drawn again. */
export function isNew(owner, value) {
	const text = JSON.stringify(value), other = text !== owner.drawn;
	owner.drawn = text;
	return other;
}

export const choices = list => list.map(([value, text]) => h("option", { value }, text));

/* Writes changes only: a screen reader does not repeat the rest. */
export function say(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

export function setBadge(element, text, kind) {
	say(element, text);
	element.className = "badge " + kind;
}

export const number = (value, digits = 0) => value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const known = Number.isFinite;

const orDash = write => (value, ...more) => known(value) ? write(value, ...more) : "–";

export const power = orDash(watts => Math.abs(watts) < 10000 ? number(watts) + " W" : number(watts / 1000, 2) + " kW");

/* A counter's value or its difference: Wh become kWh, other units stay. */
export const counted = orDash((value, unit, digits = 3) => unit === "Wh" ? number(value / 1000, digits) + " kWh" : number(value, digits) + " " + (unit || ""));

export const quantity = orDash((value, unit) => value.toLocaleString(locale, { maximumFractionDigits: 3 }) + (unit ? " " + unit : ""));

/* "3 seconds ago" */
export function ago(usec) {
	const seconds = Math.max(0, Math.round((Date.now() * 1000 - usec) / 1e6));
	const [, length, unit] = [[90, 1, "second"], [5400, 60, "minute"], [172800, 3600, "hour"], [Infinity, 86400, "day"]].find(([below]) => seconds < below);
	return new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" }).format(-Math.round(seconds / length), unit);
}

/*
 * Times come as "2026-03-29T01:00:00+01:00", in the zone of the machine that counted: the day of
 * that machine is shown, wherever the browser is.
 */
export function part(iso, options) {
	const [y, m, d, hour, minute] = iso.match(/\d+/g).map(Number);
	return new Date(Date.UTC(y, m - 1, d, hour || 0, minute || 0))
		.toLocaleString(locale, { timeZone: "UTC", ...options });
}

export function shift(day, { days = 0, months = 0 }) {
	const [y, m, d] = day.slice(0, 10).split("-").map(Number);
	return new Date(Date.UTC(y, m - 1 + months, d + days)).toISOString().slice(0, 10);
}

/* A file for the reader, made here: nothing leaves the machine but to the browser. */
export function save(name, content, type) {
	const url = URL.createObjectURL(new Blob([content], { type }));
	h("a", { href: url, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(url), 60000);
}
