// The canvas on the page: it fills its column, sends each stroke at once, and is drawn on by
// keyboard, too. The canvas's own elements lie in a shadow root, which no style of the page reaches.

const SEND = "button[title^='Update the app']", UNDO = "button[title='Undo']";
// Its pixels stay as many at every width: Fabric converts the pointer's place. Its toolbar is
// hidden, since the page has buttons of its own; its buttons are clicked from here.
const STYLE = `
.dc-root, .dc-scroll { width: 100% !important; }
.dc-scroll { overflow: hidden !important; }
.dc-container { width: 100% !important; height: auto !important; outline-offset: 2px; }
.dc-container .canvas-container, .dc-container canvas {
  width: 100% !important; height: 100% !important;
}
.dc-toolbar { display: none !important; }
.dc-container:focus-visible, .dc-container.keys { outline: 3px solid var(--st-primary-color); }
.pen, .keys-help { display: none; position: absolute; z-index: 30; pointer-events: none; }
.dc-container:focus-visible > *, .dc-container.keys > * { display: block; }
.pen {
  width: 1.4rem; height: 1.4rem; margin: -0.7rem; box-sizing: border-box;
  border: 3px solid #ffa90e; border-radius: 50%;
}
.pen.down { background: #ffa90e; }
.keys-help {
  inset: auto 0 0 0; padding: 0.2rem 0.4rem; font: 0.8rem var(--st-font, sans-serif);
  color: #fff; background: #000c; text-align: center;
}
`;
const LABEL =
  "Canvas to draw digits on. Arrow keys move the pen, the space bar puts it down and lifts it, " +
  "Enter reads the drawing, Backspace takes back the last stroke.";
const STEP = 0.04, FINE = 0.01; // of the canvas's side, the latter with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function ({ parentElement }) {
  const frame = parentElement.closest(".st-key-canvas-frame");
  const spoken = parentElement.querySelector(".pen-status");
  const over = new AbortController();
  const listen = (target, kinds, handle, capture = false) => {
    for (const kind of kinds) target.addEventListener(kind, handle, { capture, signal: over.signal });
  };
  sendAtOnce(frame, listen);
  // The canvas comes after this script, and another one takes its place when the page clears it.
  const known = new WeakSet();
  const attach = () => {
    const roots = shadowRoots(frame);
    for (const root of roots) {
      const upper = root?.querySelector("canvas.upper-canvas");
      if (!upper || known.has(upper)) continue;
      known.add(upper);
      const container = root.querySelector(".dc-container");
      fit(root, container, upper);
      holdPen(container, upper, spoken, listen);
    }
    const missing = !roots.length || roots.some((root) => !root?.querySelector("canvas.upper-canvas"));
    if (missing && !over.signal.aborted) requestAnimationFrame(attach);
  };
  const watcher = new MutationObserver(attach);
  watcher.observe(frame, { childList: true, subtree: true });
  attach();
  return () => {
    over.abort();
    watcher.disconnect();
  };
}

function shadowRoots(frame) {
  const hosts = frame.querySelectorAll("[data-testid=stBidiComponentIsolated]");
  return Array.from(hosts, (host) => host.shadowRoot);
}

// The canvas itself sends a drawing 0.2 s after the pen is lifted, in case more strokes follow.
function sendAtOnce(frame, listen) {
  let drawing = false;
  listen(frame, ["mousedown", "touchstart"], (event) => {
    drawing = event.composedPath().some((node) => node.tagName === "CANVAS");
  }, true);
  // On the window and as a microtask, which the canvas ends a stroke with, too: the click comes after
  // that, and cancels what the canvas would send again.
  const send = () => shadowRoots(frame).forEach((root) => root?.querySelector(SEND)?.click());
  listen(window, ["mouseup", "touchend"], () => {
    if (drawing) queueMicrotask(send);
    drawing = false;
  });
}

function fit(root, container, upper) {
  if (!root.querySelector("style.fit")) {
    const style = Object.assign(document.createElement("style"), { className: "fit" });
    style.textContent = STYLE;
    root.append(style);
  }
  container.style.aspectRatio = `${upper.width} / ${upper.height}`;
}

// A pen that the keyboard moves: the canvas gets the same events as from a mouse.
function holdPen(container, upper, spoken, listen) {
  container.querySelectorAll(".pen, .keys-help").forEach((old) => old.remove());
  const pen = Object.assign(document.createElement("div"), { className: "pen" });
  const help = Object.assign(document.createElement("div"), { className: "keys-help" });
  help.textContent = "arrows move · space: pen down, up · Enter reads · ⌫ undo";
  help.ariaHidden = pen.ariaHidden = "true";
  container.append(pen, help);
  Object.assign(container, { tabIndex: 0, role: "application", ariaLabel: LABEL });
  const place = { x: 0.5, y: 0.25 }, pressed = new Set();
  let down = false;

  const send = (kind) => {
    const box = upper.getBoundingClientRect();
    const [clientX, clientY] = [box.x + place.x * box.width, box.y + place.y * box.height];
    const shared = { bubbles: true, composed: true, cancelable: true, view: window };
    upper.dispatchEvent(new MouseEvent(kind, { ...shared, clientX, clientY, buttons: +down }));
  };
  const show = () => {
    pen.style.left = `${100 * place.x}%`;
    pen.style.top = `${100 * place.y}%`;
    pen.classList.toggle("down", down);
  };
  const put = (lower) => {
    if (down === lower) return;
    down = lower;
    send(down ? "mousedown" : "mouseup");
    spoken.textContent = down ? "Pen down" : "Pen up";
    show();
  };
  const move = (step) => {
    for (const key of pressed) {
      place.x = Math.min(0.98, Math.max(0.02, place.x + step * ARROWS[key][0]));
      place.y = Math.min(0.98, Math.max(0.02, place.y + step * ARROWS[key][1]));
    }
    if (down) send("mousemove");
    show();
  };
  listen(container, ["keydown"], (event) => {
    if (event.altKey || event.metaKey) return;
    const { key } = event;
    if (key in ARROWS) {
      pressed.add(key);
      move(event.shiftKey ? FINE : STEP);
    } else if (key === " ") {
      if (!event.repeat) put(!down);
    } else if (key === "Enter") {
      if (down) put(false);
      else container.getRootNode().querySelector(SEND).click();
    } else if (key === "Backspace" || (key === "z" && event.ctrlKey)) {
      put(false);
      container.getRootNode().querySelector(UNDO).click();
    } else return;
    container.classList.add("keys");
    event.preventDefault(); // the page would scroll
    event.stopPropagation();
  });
  listen(container, ["keyup"], ({ key }) => pressed.delete(key));
  const leave = () => {
    put(false);
    pressed.clear();
    container.classList.remove("keys");
  };
  listen(container, ["blur"], leave);
  listen(container, ["mousedown", "touchstart"], ({ isTrusted }) => isTrusted && leave(), true);
  show();
}
