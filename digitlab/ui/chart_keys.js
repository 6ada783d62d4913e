// Makes the chart before it usable without a mouse: a listbox of the points that can be clicked, of
// which it holds the current one. Arrow keys go to the next point in their direction, and Enter
// clicks it, by the same events as a mouse, so that the chart answers as it does to one.

const lists = new WeakMap();
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let count = 0;

export default function ({ parentElement, data }) {
  if (!lists.has(parentElement)) lists.set(parentElement, create(parentElement));
  lists.get(parentElement).setAttribute("aria-label", `${data.alt} Arrow keys move, Enter chooses.`);
}

function create(parent) {
  const list = document.createElement("div");
  list.className = "chart-keys";
  list.tabIndex = 0;
  list.setAttribute("role", "listbox");
  const option = list.appendChild(document.createElement("div"));
  option.setAttribute("role", "option");
  option.textContent = "nothing yet";
  option.id = `chart-key-${++count}`;
  list.setAttribute("aria-activedescendant", option.id);
  parent.append(list);
  const place = { index: 0 };
  const chart = () =>
    list.closest("[data-testid=stElementContainer]")?.previousElementSibling?.querySelector(".js-plotly-plot");
  const show = (go) => {
    const plot = chart();
    const points = plot?._fullData ? pointsOf(plot) : [];
    if (!points.length) return;
    place.index = Math.min(go ? go(points, place.index) : place.index, points.length - 1);
    const point = points[place.index];
    option.textContent = point.text;
    option.setAttribute("aria-selected", "true");
    option.setAttribute("aria-posinset", place.index + 1);
    option.setAttribute("aria-setsize", points.length);
    send(point, "mousemove");
    return point;
  };
  list.addEventListener("focus", () => {
    chart()?.scrollIntoView({ block: "nearest" });
    show();
  });
  list.addEventListener("blur", () => {
    const plot = chart();
    for (const area of plot?.querySelectorAll(".nsewdrag") ?? []) area.dispatchEvent(new MouseEvent("mouseout"));
  });
  list.addEventListener("keydown", (event) => {
    if (STEPS[event.key]) show((points, from) => nearest(points, from, STEPS[event.key]));
    else if (event.key === "Home") show(() => 0);
    else if (event.key === "End") show((points) => points.length - 1);
    else if (event.key === "Enter" || event.key === " ") press(show());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return list;
}

function pointsOf(plot) {
  const box = plot.getBoundingClientRect();
  return plot._fullData
    .filter((trace) => trace.visible === true && trace.customdata && trace.mode?.includes("markers"))
    .flatMap((trace) => {
      const { xaxis, yaxis } = plot._fullLayout._plots[trace.xaxis + trace.yaxis];
      const area = plot.querySelector(`.draglayer .${trace.xaxis + trace.yaxis} .nsewdrag`);
      return Array.from(trace.x, (x, i) => ({
        area,
        x: box.x + xaxis._offset + xaxis.d2p(x),
        y: box.y + yaxis._offset + yaxis.d2p(trace.y[i]),
        text: String(trace.hovertext?.[i] ?? trace.text?.[i] ?? i + 1).replaceAll("<br>", ", "),
      }));
    });
}

// The next point in a direction: what lies ahead, and rather straight ahead than aside.
function nearest(points, from, [dx, dy]) {
  const start = points[from];
  let best = from;
  let least = Infinity;
  points.forEach((point, i) => {
    const ahead = (point.x - start.x) * dx + (point.y - start.y) * dy;
    const aside = Math.abs((point.x - start.x) * dy) + Math.abs((point.y - start.y) * dx);
    if (ahead < 1 || ahead + 4 * aside >= least) return;
    [best, least] = [i, ahead + 4 * aside];
  });
  // At the end of a row the right arrow goes on to the next one, as reading does.
  return best === from && dx ? Math.min(Math.max(from + dx, 0), points.length - 1) : best;
}

function send({ area, x, y }, kind, target = area) {
  target?.dispatchEvent(new MouseEvent(kind, { clientX: x, clientY: y, button: 0, bubbles: true, view: window }));
}

function press(point) {
  if (!point) return;
  send(point, "mousedown");
  send(point, "mouseup", document);
}
