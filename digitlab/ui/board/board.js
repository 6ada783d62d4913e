// Plotly charts, drawn when they come into sight and updated in place. Called with the data of `show_board`.

const boards = new WeakMap();
const RELEASES = ["pointerup", "pointercancel", "blur"]; // scrolling by touch ends in pointercancel
const PIXELS = ["size", "height", "thickness", "standoff", "xshift", "yshift", "ypad"];

export default function ({ parentElement, data, setTriggerValue }) {
  if (!boards.has(parentElement)) boards.set(parentElement, new Board(parentElement));
  const board = boards.get(parentElement);
  board.report = (point) => setTriggerValue("clicked", point);
  board.reportArea = (points) => setTriggerValue("selected", points);
  board.show(data).catch((error) => board.showMessage(`The charts cannot be shown: ${error.message}`));
  // Streamlit may call a cleanup late, when a later call already uses the board.
  const turn = ++board.turn;
  return () => {
    if (turn !== board.turn) return;
    board.close();
    boards.delete(parentElement);
  };
}

let loading;

function loadPlotly(address) {
  loading ??= fetchPlotly(new URL(address, document.baseURI)).catch((error) => {
    loading = undefined; // the next update tries again
    throw error;
  });
  return loading;
}

async function fetchPlotly(url) {
  // The address holds the version; the server does not say how long the file may be cached.
  const response = await fetch(url, { cache: "force-cache" }).catch(() => ({}));
  if (!response.ok) throw new Error("plotly.js did not come from the server. Reload the page.");
  const script = document.createElement("script");
  script.src = URL.createObjectURL(await response.blob());
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error("plotly.js could not be run."));
    document.head.append(script);
  });
  URL.revokeObjectURL(script.src);
  return window.Plotly;
}

// A figure with all that is measured in pixels so many times as large.
function enlarged(content, times, key, parent) {
  if (Array.isArray(content)) {
    return typeof content[0] === "object" ? content.map((item) => enlarged(item, times, key, parent)) : content;
  }
  if (content && typeof content === "object") {
    return Object.fromEntries(Object.entries(content).map(([name, item]) => [name, enlarged(item, times, name, key)]));
  }
  const inPixels = PIXELS.includes(key) || ["margin", "pad"].includes(parent) || (parent === "line" && key === "width");
  return inPixels && typeof content === "number" ? content * times : content;
}

class Board {
  constructor(parent) {
    this.root = document.createElement("div");
    this.root.className = "live-charts";
    parent.append(this.root);
    const style = getComputedStyle(this.root); // follows the page's theme
    this.style = (name) => style.getPropertyValue(`--st-${name}`).trim();
    this.turn = 0;
    this.charts = new Map();
    // A chart out of sight is drawn or updated when it comes into sight, and costs nothing until then.
    this.sight = new IntersectionObserver((entries) => entries.forEach((entry) => this.setVisible(entry)), {
      root: parent.closest("[data-testid=stMain]"),
      rootMargin: "200px",
    });
    this.width = new ResizeObserver((entries) => entries.forEach((entry) => this.resize(entry.target)));
    this.releaseAll = () => this.charts.forEach((chart) => this.release(chart));
    for (const kind of RELEASES) window.addEventListener(kind, this.releaseAll, true);
    this.root.addEventListener("transitionend", ({ target }) => {
      if (target === this.root) this.charts.forEach((chart) => this.redraw(chart));
    });
  }

  redraw(chart) {
    chart.due = true;
    this.draw(chart);
  }

  showMessage(text) {
    this.message ??= this.root.appendChild(document.createElement("p"));
    this.message.textContent = text;
  }

  async show({ plotly, charts, clicks }) {
    this.clicks = clicks;
    for (const [name, chart] of this.charts) {
      if (!charts.some((chart) => chart.name === name)) this.remove(name, chart);
    }
    charts.forEach((chart, position) => this.put(chart, position));
    this.plotly = await loadPlotly(plotly);
    this.message?.remove();
    this.message = undefined;
    this.charts.forEach((chart) => this.draw(chart));
  }

  put({ name, alt, figure, share, rows, bar, config }, position) {
    if (!this.charts.has(name)) this.charts.set(name, this.create());
    const chart = this.charts.get(name);
    const { box } = chart;
    box.setAttribute("role", "figure");
    box.setAttribute("aria-label", alt);
    box.style.setProperty("--share", share);
    box.style.setProperty("--rows", rows);
    if (this.root.children[position] !== box) {
      this.root.insertBefore(box, this.root.children[position] ?? null);
    }
    Object.assign(chart, { bar, config });
    if (chart.text !== figure) Object.assign(chart, { text: figure, figure: JSON.parse(figure), due: true });
    box.dataset.title = chart.figure.layout.title?.text ?? "";
    // The height is reserved before the chart is drawn, so that nothing below it jumps.
    if (!document.fullscreenElement) this.reserve(chart);
  }

  // A grid of images is as high as its width needs; other charts have a height of their own.
  reserve(chart) {
    const { style } = chart.box;
    const { height, meta } = chart.figure.layout;
    style.aspectRatio = meta?.shape?.join(" / ") ?? "";
    style.maxWidth = meta?.shape ? `${meta.width * this.scale()}px` : "";
    style.height = meta?.shape ? "auto" : `${height * this.scale()}px`;
  }

  create() {
    const box = document.createElement("div");
    const chart = { box };
    box.addEventListener("pointerdown", (event) => {
      chart.held = event.isPrimary && event.button === 0;
    });
    box.addEventListener("pointermove", (event) => (chart.pointer = event));
    box.addEventListener("pointerleave", () => (chart.pointer = null));
    this.sight.observe(box);
    this.width.observe(box);
    return chart;
  }

  setVisible({ target, isIntersecting }) {
    const chart = this.chartIn(target);
    if (!chart) return; // removed meanwhile
    chart.visible = isIntersecting;
    this.draw(chart);
  }

  chartIn(box) {
    return [...this.charts.values()].find((chart) => chart.box === box);
  }

  release(chart) {
    if (!chart.held) return;
    chart.held = false;
    setTimeout(() => this.draw(chart), 500); // after Plotly has handled the event
  }

  async draw(chart) {
    const { box } = chart;
    // In full screen a chart is outside the page, so the observer calls it invisible.
    const visible = chart.visible || document.fullscreenElement === box;
    // Not while the visitor drags to zoom.
    if (!this.plotly || !chart.due || chart.held || !visible) return;
    if (!box.clientWidth) return; // in a closed expander or tab
    chart.tools ??= this.tools(chart); // with another config object Plotly draws the chart from scratch
    await this.work(chart, async () => {
      chart.due = false;
      chart.scale = this.scale();
      const { data, layout } = chart.scale === 1 ? chart.figure : enlarged(chart.figure, chart.scale);
      await this.plotly.react(box, data, this.styled(layout, chart), chart.tools);
      if (!chart.drawn) this.listen(box);
      chart.drawn = true;
    });
    this.restoreHover(chart);
  }

  // One thing after the other: Plotly fails where a chart is resized or removed while it is drawn.
  async work(chart, step) {
    if (chart.working) return; // what is due is done at its end
    chart.working = true;
    try {
      await step();
    } finally {
      chart.working = false;
    }
    if (chart.removed) this.plotly.purge(chart.box);
    else if (chart.due) this.draw(chart);
    else this.resize(chart.box);
  }

  listen(box) {
    if (this.clicks) box.on("plotly_click", ({ points }) => {
      const data = points.find((point) => point.customdata !== undefined)?.customdata;
      if (data !== undefined) this.report(Array.from(data.length === undefined ? [data] : data));
    });
    // A click selects a point, too: only what was drawn around is an area.
    if (this.clicks) box.on("plotly_selected", (event) => {
      if (!event?.range && !event?.lassoPoints) return;
      this.reportArea(event.points.filter((point) => point.customdata !== undefined).map(({ customdata }) => customdata[0]));
    });
  }

  restoreHover({ box, pointer }) {
    // An update removes the hover label; show it again if the pointer is still there.
    if (!pointer) return;
    const { clientX, clientY } = pointer;
    const target = document.elementFromPoint(clientX, clientY);
    if (!box.contains(target)) return;
    target.dispatchEvent(new MouseEvent("mousemove", { clientX, clientY, bubbles: true }));
  }

  resize(box) {
    const chart = this.chartIn(box);
    if (!chart || !this.plotly || !box.clientWidth) return;
    if (!chart.drawn) return void this.draw(chart);
    if (chart.scale !== this.scale()) {
      this.reserve(chart);
      return this.redraw(chart);
    }
    const size = this.size(chart);
    const { width, height } = box._fullLayout;
    const differs = Math.abs(size.width - width) > 1 || Math.abs(size.height - height) > 1;
    if (differs) this.work(chart, () => this.plotly.relayout(box, size));
  }

  size({ box, figure }) {
    const { height, meta } = figure.layout;
    const given = document.fullscreenElement === box || meta?.shape;
    return { width: box.clientWidth, height: given ? box.clientHeight : height * this.scale() };
  }

  // A presenter's pages have larger letters (style.css).
  scale() {
    return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  }

  styled(layout, chart) {
    const color = this.style("text-color");
    const scale = this.scale();
    const font = { family: this.style("font"), size: 12 * scale, color };
    const axis = { color, ticks: "", title: { font: { size: 14 * scale } }, tickfont: font };
    const background = this.style("background-color");
    const template = {
      layout: {
        font,
        title: { font: { family: this.style("heading-font"), size: 16 * scale, weight: 700 } },
        legend: { font },
        hoverlabel: { bgcolor: background, bordercolor: this.style("border-color"), font },
        modebar: { bgcolor: "rgba(0, 0, 0, 0)", color, activecolor: this.style("primary-color") },
        xaxis: axis,
        yaxis: axis,
      },
    };
    const clicks = this.clicks ? { clickmode: "event+select" } : {};
    return { ...layout, ...clicks, ...this.size(chart), template };
  }

  tools({ box, bar, config }) {
    const whole = {
      name: "fullscreen",
      title: "Full screen",
      icon: { width: 16, height: 16, path: "M1 1h5v2H3v3H1zM10 1h5v5h-2V3h-3zM1 10h2v3h3v2H1zM13 10h2v5h-5v-2h3z" },
      click: () => (document.fullscreenElement ? document.exitFullscreen() : box.requestFullscreen()),
    };
    return {
      displaylogo: false,
      showSendToCloud: false,
      displayModeBar: bar ? "hover" : false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
      modeBarButtonsToAdd: document.fullscreenEnabled ? [whole] : [],
      ...config,
    };
  }

  remove(name, chart) {
    const { box } = chart;
    this.sight.unobserve(box);
    this.width.unobserve(box);
    chart.removed = true;
    if (!chart.working) this.plotly?.purge(box);
    box.remove();
    this.charts.delete(name);
  }

  close() {
    for (const kind of RELEASES) window.removeEventListener(kind, this.releaseAll, true);
    this.charts.forEach((chart, name) => this.remove(name, chart));
    this.sight.disconnect();
    this.width.disconnect();
    this.root.remove();
  }
}
