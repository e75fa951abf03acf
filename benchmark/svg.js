/** Plots as SVG text: lines over a logarithmic axis, or bars in groups. Knows nothing of what is plotted. */

const WIDTH = 860;
const HEIGHT = 440;
const PLOT = { left: 74, right: 690, top: 56, bottom: 384 };
const LABEL_HEIGHT = 16;
const COLOURS = ['#d1242f', '#0969da', '#1a7f37', '#bf8700', '#8250df', '#0a7ea4', '#a0562b', '#57606a', '#bf3989'];
const LIMIT_COLOUR = '#8c959f';

/**
 * Lines, one for each of `series`: `{ name, values, isLimit }`, where `values[i]` belongs to `points[i]` and may be null. The
 * first is drawn thickest; limits are dashed. `points` are texts: they stand at equal distances, as on a logarithmic axis.
 */
export function linePlot({ title, axis, unit, points, series, logarithmic = false }) {
  const scale = scaleOf(
    series.flatMap(({ values }) => values),
    logarithmic,
  );
  const x = (at) => PLOT.left + 24 + (at * (PLOT.right - PLOT.left - 48)) / Math.max(1, points.length - 1);
  const drawn = coloured(series).map((line) => ({ ...line, dots: dotsOf(line.values, x, scale.y) }));
  const lines = drawn.map(({ dots, colour, isLimit, isFirst }) => {
    const path = dots.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join(' ');
    const look = isLimit ? 'stroke-width="1.5" stroke-dasharray="5 4"' : `stroke-width="${isFirst ? 3.5 : 1.75}"`;
    const marks = dots.map(
      ({ x, y }) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${isFirst ? 4 : 2.5}" fill="${colour}"/>`,
    );
    return `<path d="${path}" fill="none" stroke="${colour}" ${look}/>${marks.join('')}`;
  });
  const labels = spread(
    drawn.filter(({ dots }) => dots.length > 0).map((line) => ({ ...line, y: line.dots.at(-1).y })),
  );
  return frame({ title, axis, unit, scale, under: points.map((text, at) => ({ text, x: x(at) })) }, [
    // The first on top of the others.
    ...lines.toReversed(),
    ...labels.map(({ name, colour, y, isFirst }) =>
      text(PLOT.right + 10, y + 4, name, { fill: colour, bold: isFirst }),
    ),
  ]);
}

/** Bars in groups, one group for each of `points`; otherwise as `linePlot`. */
export function barPlot({ title, axis, unit, points, series }) {
  const scale = scaleOf(
    series.flatMap(({ values }) => values),
    false,
  );
  const group = (PLOT.right - PLOT.left) / points.length;
  const bar = Math.min(40, (group * 0.84) / series.length);
  const drawn = coloured(series);
  const bars = points.flatMap((_, at) => {
    // Who has no value leaves no gap.
    const there = drawn.filter(({ values }) => values[at] !== null);
    return there.map(({ values, colour, isLimit }, nth) => {
      const x = PLOT.left + group * (at + 0.5) + (nth - there.length / 2) * bar;
      const y = scale.y(values[at]);
      const size = `width="${(bar - 2).toFixed(1)}" height="${(PLOT.bottom - y).toFixed(1)}"`;
      const look = isLimit ? `fill="none" stroke="${colour}" stroke-dasharray="4 3"` : `fill="${colour}"`;
      return (
        `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${size} ${look}/>` +
        text(x + bar / 2 - 1, y - 4, short(values[at]), { anchor: 'middle', size: 9, fill: '#57606a' })
      );
    });
  });
  const labels = drawn.map((line, at) => ({ ...line, y: PLOT.top + 8 + at * (LABEL_HEIGHT + 4) }));
  const under = points.map((text, at) => ({ text, x: PLOT.left + group * (at + 0.5) }));
  return frame({ title, axis, unit, scale, under }, [
    ...bars,
    ...labels.map(
      ({ name, colour, y, isFirst }) =>
        `<rect x="${PLOT.right + 12}" y="${y - 5}" width="10" height="10" fill="${colour}"/>` +
        text(PLOT.right + 28, y + 4, name, { fill: colour, bold: isFirst }),
    ),
  ]);
}

function frame({ title, axis, unit, scale, under }, inside) {
  const grid = scale.ticks.map((value) => {
    const y = scale.y(value);
    return (
      `<line x1="${PLOT.left}" y1="${y.toFixed(1)}" x2="${PLOT.right}" y2="${y.toFixed(1)}" stroke="#d8dee4"/>` +
      text(PLOT.left - 8, y + 4, short(value), { anchor: 'end', fill: '#57606a' })
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" role="img">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(PLOT.left, 24, title, { size: 15, bold: true, fill: '#1f2328' }),
    text(PLOT.left, 43, unit, { fill: '#57606a' }),
    ...grid,
    ...under.map(({ text: what, x }) => text(x, PLOT.bottom + 20, what, { anchor: 'middle', fill: '#57606a' })),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 42, axis, { anchor: 'middle', fill: '#57606a' }),
    ...inside,
    '</svg>',
    '',
  ].join('\n');
}

/** From values to heights, and where the grid's lines are. */
function scaleOf(values, logarithmic) {
  const known = values.filter((value) => value !== null && value > 0);
  const most = Math.max(...known, 1e-9);
  const height = PLOT.bottom - PLOT.top;
  if (logarithmic) {
    const from = Math.floor(Math.log10(Math.min(...known, most)));
    const to = Math.max(from + 1, Math.ceil(Math.log10(most)));
    const ticks = Array.from({ length: to - from + 1 }, (_, at) => 10 ** (from + at));
    const share = (value) => (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from);
    return { ticks, y: (value) => PLOT.bottom - share(value) * height };
  }
  const rough = most / 5;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * decade).find((step) => step >= rough);
  const count = Math.ceil(most / step);
  const ticks = Array.from({ length: count + 1 }, (_, at) => at * step);
  return { ticks, y: (value) => PLOT.bottom - (value / (count * step)) * height };
}

function coloured(series) {
  let next = 0;
  return series.map((line, at) => ({
    ...line,
    isFirst: at === 0,
    colour: line.isLimit ? LIMIT_COLOUR : COLOURS[next++ % COLOURS.length],
  }));
}

function dotsOf(values, x, y) {
  return values.flatMap((value, at) => (value === null ? [] : [{ x: x(at), y: y(value) }]));
}

/** Labels that would cover each other are moved apart, in their order. */
function spread(labels) {
  const sorted = labels.toSorted((a, b) => a.y - b.y);
  let least = PLOT.top;
  for (const label of sorted) least = (label.y = Math.max(label.y, least)) + LABEL_HEIGHT;
  let most = PLOT.bottom;
  for (const label of sorted.toReversed()) most = (label.y = Math.min(label.y, most)) - LABEL_HEIGHT;
  return sorted;
}

function short(value) {
  if (value >= 1e6) return `${trimmed(value / 1e6)}M`;
  if (value >= 1e3) return `${trimmed(value / 1e3)}k`;
  return trimmed(value);
}

function trimmed(value) {
  return String(Number(value.toPrecision(value >= 100 ? 3 : 2)));
}

function text(x, y, what, { anchor = 'start', size = 12, bold = false, fill = '#1f2328' } = {}) {
  const weight = bold ? ' font-weight="600"' : '';
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}" fill="${fill}"${weight}>${escape(what)}</text>`;
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
