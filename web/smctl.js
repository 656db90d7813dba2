/* SPDX-License-Identifier: MIT */
/* The page asks smctl alone: a terminal can do all that the page can. */
/* global cockpit */

import { _ } from "./text.js";

const environ = ["LANGUAGE=" + (cockpit.language || "en").split(/[-_]/)[0], "NO_COLOR=1"];

/* In words a person can act upon. */
function trouble(error, change) {
	if (error.problem === "access-denied")
		return change ? _("That needs administrative access: turn it on at the top of the window, then try again.")
			: _("This account may not do that.");
	if (error.problem === "not-found")
		return _("The program smctl is not installed. Install the package smartmeterd.");
	if (error.problem === "terminated" || error.problem === "disconnected")
		return _("The connection to the machine was lost.");
	return (error.message || String(error)).replace(/^smctl: /, "");
}

function spawn(args, options) {
	const { change, binary, superuser } = options;
	return cockpit.spawn(["smctl", ...args], { err: "message", environ, superuser: change ? "require" : superuser, binary });
}

/*
 * Runs it to its end. change: it changes something, and needs administrative access; input: its
 * standard input (secrets are never arguments). Rejects with { message, output }.
 */
export function smctl(args, options = {}) {
	return new Promise((resolve, reject) => {
		const process = spawn(args, options);
		process.then(resolve, (error, output) => reject({ message: trouble(error, options.change), output }));
		if (options.input !== undefined)
			process.input(options.input);
	});
}

/* Commands that change something: with administrative access, or not at all. */
export const change = (args, options) => smctl(args, { ...options, change: true });

/* findings: the output is shown even if it fails. */
export async function smctlJson(args, options = {}) {
	return JSON.parse(await smctl(["--json", ...args], options).catch(error => options.findings && error.output || Promise.reject(error)));
}

/* An object per line, as they come. Returns { close(), ended }. */
export function smctlStream(args, onObject) {
	const process = spawn(["--json", ...args], {});
	let rest = "";
	process.stream(text => {
		const lines = (rest + text).split("\n");
		rest = lines.pop();
		for (const line of lines.filter(Boolean))
			onObject(JSON.parse(line));
	});
	return {
		close: () => process.close(),
		ended: new Promise((resolve, reject) => process.then(resolve, error => reject({ message: trouble(error) }))),
	};
}

/* Whether administrative access is on. "try" would ask for it where it is not, and wait. */
export function isPrivileged() {
	return new Promise(resolve => {
		const proxy = cockpit.dbus(null, { bus: "internal" }).proxy("cockpit.Superuser", "/superuser");
		setTimeout(() => resolve(false), 2000);
		proxy.wait(() => resolve(Boolean(proxy.Current) && !["none", "init"].includes(proxy.Current)));
	});
}
