/* SPDX-License-Identifier: MIT */
/*
 * Two charts as SVG: a curve of power over time, and bars of what was counted. The charts that
 * Debian packages weigh more than this whole page and draw on a canvas, which a screen reader
 * cannot read; these can be walked through with the arrow keys, and say what they show.
 */

import { _, h } from "./text.js";

const LEFT = 66, RIGHT = 8, TOP = 10, BOTTOM = 24;
let WIDTH = 720; /* of the drawing; on a phone less, so that its texts can be read */
const measure = () => (WIDTH = window.innerWidth < 600 ? 400 : 720);

/* A step of 1, 2 or 5 × 10^n, of which about `n` cover `span`. */
function niceStep(span, n) {
	const rough = span / n || 1;
	const ten = 10 ** Math.floor(Math.log10(rough));
	return [1, 2, 5, 10].map(f => f * ten).find(step => step >= rough);
}

function scale(least, most, height) {
	const step = niceStep(most - least || 1, 4);
	const low = Math.floor(least / step) * step, high = Math.max(Math.ceil(most / step) * step, low + step);
	const y = value => TOP + (high - value) / (high - low) * (height - TOP - BOTTOM);
	const ticks = [];
	for (let i = 0; low + i * step <= high + step / 1000; i++)
		ticks.push(low + i * step);
	return { y, ticks };
}

function frame(height, ticks, y, label) {
	const lines = ticks.map(tick => [
		h("svg:line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: tick === 0 ? "zero" : "grid" }),
		h("svg:text", { x: LEFT - 6, y: y(tick) + 4, class: "axis right" }, label(tick)),
	]);
	return h("svg:svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "chart", tabindex: 0, role: "slider" }, lines.flat());
}

/* Pointer and arrow keys choose one of n places; show(i) draws the choice and returns its words. */
function walkable(svg, n, at, show) {
	let chosen = -1;
	const choose = i => {
		if (i < 0 || i >= n || i === chosen)
			return;
		chosen = i;
		svg.setAttribute("aria-valuenow", i + 1);
		svg.setAttribute("aria-valuetext", show(i));
	};
	svg.setAttribute("aria-valuemin", 1);
	svg.setAttribute("aria-valuemax", n);
	svg.setAttribute("aria-valuenow", n);
	svg.addEventListener("pointermove", event => {
		const box = svg.getBoundingClientRect();
		choose(at((event.clientX - box.left) / box.width * WIDTH));
	});
	svg.addEventListener("keydown", event => {
		const from = chosen < 0 ? n : chosen;
		const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: chosen + 1, ArrowUp: chosen + 1,
					 Home: 0, End: n - 1, PageUp: Math.max(from - 10, 0), PageDown: Math.min(chosen + 10, n - 1) }[event.key];
		if (to === undefined)
			return;
		choose(to);
		event.preventDefault();
	});
}

/*
 * steps: [{ up, down, label, tick }], up and down null where nothing is known; tick: text below.
 * words(i): what the reader hears and reads in `readout`.
 */
export function barChart({ steps, label, axis, words, readout }) {
	measure();
	const height = 260, inner = WIDTH - LEFT - RIGHT, slot = inner / steps.length;
	const width = Math.max(1, Math.min(slot * 0.72, 48));
	const ups = steps.map(step => step.up || 0), downs = steps.map(step => step.down || 0);
	const { y, ticks } = scale(Math.min(0, -Math.max(...downs)), Math.max(...ups, 0), height);
	const svg = frame(height, ticks, y, value => axis(Math.abs(value)));
	const mark = h("svg:rect", { class: "chosen", y: TOP, width: slot, height: height - TOP - BOTTOM, visibility: "hidden" });
	svg.append(mark);
	steps.forEach((step, i) => {
		const x = LEFT + slot * i + (slot - width) / 2;
		if (step.up === null && step.down === null)
			svg.append(h("svg:line", { x1: x, x2: x + width, y1: y(0), y2: y(0), class: "unknown" }));
		if (step.up > 0)
			svg.append(h("svg:rect", { x, y: y(step.up), width, height: y(0) - y(step.up), class: "import" }));
		if (step.down > 0)
			svg.append(h("svg:rect", { x, y: y(0), width, height: y(-step.down) - y(0), class: "export" }));
		if (step.tick)
			svg.append(h("svg:text", { x: x + width / 2, y: height - 6, class: "axis middle" }, step.tick));
	});
	svg.setAttribute("aria-label", label);
	walkable(svg, steps.length, x => Math.floor((x - LEFT) / slot), i => {
		mark.setAttribute("x", LEFT + slot * i);
		mark.setAttribute("visibility", "visible");
		readout.textContent = words(i);
		return words(i);
	});
	svg.setAttribute("aria-valuetext", _("Arrow keys walk through the bars."));
	return svg;
}

/* Every third one is named where there are many: the day's hours by the clock. */
export function barTicks(steps, name) {
	return steps.map(({ from }, i) => name ? i % (steps.length > 12 ? 3 : 1) === 0 ? name(from) : "" : Number(from.slice(11, 13)) % 3 === 0 ? from.slice(11, 16) : "");
}

/*
 * points: [{ t, low, high }] in order of time, t in seconds; a pause longer than `pause` breaks the
 * line; a mark below every `every` seconds of a clock that is `offset` ("+02:00") ahead.
 */
export function curve({ points, from, to, pause, every, offset, label, axis, readout }) {
	measure();
	const clock = /([+-])(\d\d):(\d\d)$/.exec(offset || ""), zone = clock ? Number(clock[1] + 1) * (clock[2] * 3600 + clock[3] * 60) : 0;
	const time = t => new Date((t + zone) * 1000).toISOString().slice(11, to - from > 600 ? 16 : 19);
	const height = 180;
	const x = t => LEFT + (t - from) / (to - from) * (WIDTH - LEFT - RIGHT);
	const { y, ticks } = scale(Math.min(0, ...points.map(p => p.low)), Math.max(100, ...points.map(p => p.high)), height);
	const svg = frame(height, ticks, y, axis);
	const middle = point => (point.low + point.high) / 2;
	const runs = [];
	points.forEach((point, i) => {
		if (i === 0 || point.t - points[i - 1].t > pause)
			runs.push([]);
		runs[runs.length - 1].push(point);
	});
	for (const run of runs) {
		const there = run.map(p => `${x(p.t).toFixed(1)},${y(p.high).toFixed(1)}`);
		const back = run.map(p => `${x(p.t).toFixed(1)},${y(p.low).toFixed(1)}`).reverse();
		svg.append(h("svg:polygon", { points: [`${x(run[0].t)},${y(0)}`, ...there, `${x(run[run.length - 1].t)},${y(0)}`].join(" "), class: "area" }),
			h("svg:polygon", { points: [...there, ...back].join(" "), class: "band" }),
			h("svg:polyline", { points: run.map(p => `${x(p.t).toFixed(1)},${y(middle(p)).toFixed(1)}`).join(" "), class: "line" }));
	}
	for (let t = Math.ceil((from + zone) / every) * every - zone; t <= to; t += every)
		if (x(t) > LEFT + 15 && x(t) < WIDTH - 25)
			svg.append(h("svg:text", { x: x(t), y: height - 6, class: "axis middle" }, time(t).slice(0, 5)));
	if (points.length) {
		const end = points[points.length - 1];
		svg.append(h("svg:circle", { cx: x(end.t), cy: y(middle(end)), r: 4, class: "dot" }));
	}
	const mark = h("svg:line", { class: "cursor", y1: TOP, y2: height - BOTTOM, visibility: "hidden" });
	svg.append(mark);
	svg.setAttribute("aria-label", label);
	walkable(svg, points.length, px => {
		const t = from + (px - LEFT) / (WIDTH - LEFT - RIGHT) * (to - from);
		let best = 0;
		points.forEach((p, i) => {
			if (Math.abs(p.t - t) < Math.abs(points[best].t - t))
				best = i;
		});
		return best;
	}, i => {
		const p = points[i], text = `${time(p.t)}: ${axis(p.low)}${p.high !== p.low ? " – " + axis(p.high) : ""}`;
		mark.setAttribute("x1", x(p.t));
		mark.setAttribute("x2", x(p.t));
		mark.setAttribute("visibility", "visible");
		readout.textContent = text;
		return text;
	});
	svg.setAttribute("aria-valuetext", _("Arrow keys walk through the curve."));
	return svg;
}
