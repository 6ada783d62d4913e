// Plotly charts that are updated in place. Called for each update, with what `moving_charts` gives.

const boards = new WeakMap();
const RELEASES = ["pointerup", "pointercancel", "blur"]; // a finger that scrolls ends in the second

export default function ({ parentElement, data }) {
  if (!boards.has(parentElement)) boards.set(parentElement, new Board(parentElement));
  const board = boards.get(parentElement);
  board.show(data).catch((error) => board.say(`The charts cannot be shown: ${error.message}`));
  // Streamlit may call a cleanup late, when another call has gone on with the board.
  const turn = ++board.turn;
  return () => {
    if (turn !== board.turn) return;
    board.close();
    boards.delete(parentElement);
  };
}

let loading;

function loadPlotly(place) {
  loading ??= fetchPlotly(new URL(place, document.baseURI)).catch((error) => {
    loading = undefined; // the next update tries again
    throw error;
  });
  return loading;
}

async function fetchPlotly(url) {
  // The address names the version; the server does not say how long the file may be kept.
  const answer = await fetch(url, { cache: "force-cache" }).catch(() => ({}));
  if (!answer.ok) throw new Error("plotly.js did not come from the server. Reload the page.");
  const script = document.createElement("script");
  script.src = URL.createObjectURL(await answer.blob());
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error("plotly.js could not be run."));
    document.head.append(script);
  });
  URL.revokeObjectURL(script.src);
  return window.Plotly;
}

class Board {
  constructor(parent) {
    this.root = document.createElement("div");
    this.root.className = "moving-charts";
    parent.append(this.root);
    const style = getComputedStyle(this.root); // which follows the page's theme
    this.style = (name) => style.getPropertyValue(`--st-${name}`).trim();
    this.turn = 0;
    this.charts = new Map();
    // What is out of sight is updated when it comes into sight, and takes no time until then.
    this.sight = new IntersectionObserver((seen) => seen.forEach((one) => this.look(one)), {
      root: parent.closest("[data-testid=stMain]"),
      rootMargin: "100px",
    });
    this.width = new ResizeObserver((sizes) => sizes.forEach((one) => this.resize(one.target)));
    this.release = () => this.charts.forEach((chart) => this.letGo(chart));
    for (const kind of RELEASES) window.addEventListener(kind, this.release, true);
    this.root.addEventListener("transitionend", ({ target }) => {
      if (target === this.root) this.charts.forEach((chart) => this.redraw(chart));
    });
  }

  redraw(chart) {
    chart.due = true;
    this.draw(chart);
  }

  say(sentence) {
    this.told ??= this.root.appendChild(document.createElement("p"));
    this.told.textContent = sentence;
  }

  async show({ plotly, charts }) {
    for (const [name, chart] of this.charts) {
      if (!charts.some((one) => one.name === name)) this.remove(name, chart);
    }
    charts.forEach((one, place) => this.put(one, place));
    this.plotly = await loadPlotly(plotly);
    this.told?.remove();
    this.told = undefined;
    this.charts.forEach((chart) => this.draw(chart));
  }

  put({ name, alt, figure, share, rows, bar }, place) {
    if (!this.charts.has(name)) this.charts.set(name, this.begin());
    const chart = this.charts.get(name);
    const { box } = chart;
    box.setAttribute("role", "figure");
    box.setAttribute("aria-label", alt);
    box.style.setProperty("--share", share);
    box.style.setProperty("--rows", rows);
    if (this.root.children[place] !== box) {
      this.root.insertBefore(box, this.root.children[place] ?? null);
    }
    chart.bar = bar;
    chart.figure = JSON.parse(figure);
    chart.due = true;
    // The room is taken before the chart is there, so that nothing below it jumps.
    if (!document.fullscreenElement) box.style.height = `${chart.figure.layout.height}px`;
  }

  begin() {
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

  look({ target, isIntersecting }) {
    const chart = this.chartIn(target);
    if (!chart) return; // taken away meanwhile
    chart.seen = isIntersecting;
    this.draw(chart);
  }

  chartIn(box) {
    return [...this.charts.values()].find((chart) => chart.box === box);
  }

  letGo(chart) {
    if (!chart.held) return;
    chart.held = false;
    setTimeout(() => this.draw(chart), 500); // after Plotly has done what was asked of it
  }

  async draw(chart) {
    const { box, figure } = chart;
    // What fills the screen is out of the page, and so out of its sight.
    const seen = chart.seen || document.fullscreenElement === box;
    // Not while the visitor draws a frame to zoom into.
    if (!this.plotly || !chart.due || chart.held || (chart.drawn && !seen)) return;
    if (!box.clientWidth) return; // in a fold, or in a tab that is not open
    chart.due = false;
    const layout = this.dress(figure.layout, box);
    chart.tools ??= this.tools(chart); // Plotly begins anew where these are others
    await this.plotly.react(box, figure.data, layout, chart.tools);
    chart.drawn = true;
    if (box.clientWidth !== layout.width) this.resize(box); // while it was drawn
    this.pointAgain(chart);
  }

  pointAgain({ box, pointer }) {
    // An update takes away what the pointer shows; it is shown again where the pointer still is.
    if (!pointer) return;
    const { clientX, clientY } = pointer;
    const place = document.elementFromPoint(clientX, clientY);
    if (!box.contains(place)) return;
    place.dispatchEvent(new MouseEvent("mousemove", { clientX, clientY, bubbles: true }));
  }

  resize(box) {
    const chart = this.chartIn(box);
    if (!chart || !this.plotly || !box.clientWidth) return;
    if (!chart.drawn) this.draw(chart);
    else this.plotly.relayout(box, this.size(chart.figure.layout, box));
  }

  size(layout, box) {
    const whole = document.fullscreenElement === box;
    return { width: box.clientWidth, height: whole ? box.clientHeight : layout.height };
  }

  dress(layout, box) {
    const color = this.style("text-color");
    const font = { family: this.style("font"), size: 12, color };
    const axis = { color, ticks: "", title: { font: { size: 14 } }, tickfont: { size: 12 } };
    const ground = this.style("background-color");
    const template = {
      layout: {
        font,
        title: { font: { family: this.style("heading-font"), size: 16, weight: 700 } },
        legend: { font: { size: 12 } },
        hoverlabel: { bgcolor: ground, bordercolor: this.style("border-color"), font },
        modebar: { bgcolor: "rgba(0, 0, 0, 0)", color, activecolor: this.style("primary-color") },
        xaxis: axis,
        yaxis: axis,
      },
    };
    return { ...layout, ...this.size(layout, box), template };
  }

  tools({ box, bar }) {
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
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      modeBarButtonsToAdd: document.fullscreenEnabled ? [whole] : [],
    };
  }

  remove(name, { box }) {
    this.sight.unobserve(box);
    this.width.unobserve(box);
    this.plotly?.purge(box);
    box.remove();
    this.charts.delete(name);
  }

  close() {
    for (const kind of RELEASES) window.removeEventListener(kind, this.release, true);
    this.charts.forEach((chart, name) => this.remove(name, chart));
    this.sight.disconnect();
    this.width.disconnect();
    this.root.remove();
  }
}
