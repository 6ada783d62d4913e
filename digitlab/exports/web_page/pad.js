// The page: a pad to draw on, and how the network reads what is drawn.

const facts = JSON.parse(document.getElementById("facts").textContent);
const network = openNetwork(JSON.parse(document.getElementById("network").textContent));
const predict = predictorOf(network, facts.reading);

const $ = (id) => document.getElementById(id);
const canvas = $("pad"), pen = canvas.getContext("2d", { willReadFrequently: true });
const BRUSH = 18; // pixels of the pad's 600×240
let strokes = [], stroke = null, chosen = 0, example = 0;

const element = (name, className, text) => {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text ?? "";
  return node;
};
const percent = (share) => {
  if (share > 0.999 && share < 1) return "> 99.9 %";
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
};

function paint() {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  Object.assign(pen, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
  for (const points of strokes) {
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (const point of points.length > 1 ? points.slice(1) : [[points[0][0] + 0.01, points[0][1]]]) pen.lineTo(...point);
    pen.stroke();
  }
}

/** What is on the pad: how opaque the paint is. */
function drawing() {
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  return imageOf(canvas.width, canvas.height, Uint8Array.from({ length: canvas.width * canvas.height }, (_, k) => data[4 * k + 3]));
}

const place = ({ clientX, clientY }) => {
  const box = canvas.getBoundingClientRect();
  return [((clientX - box.left) * canvas.width) / box.width, ((clientY - box.top) * canvas.height) / box.height];
};

canvas.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  canvas.setPointerCapture(event.pointerId);
  stroke = [place(event)];
  strokes.push(stroke);
  paint();
});
canvas.addEventListener("pointermove", (event) => {
  if (!stroke) return;
  for (const part of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(part));
  paint();
});
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, () => {
    if (!stroke) return;
    stroke = null;
    chosen = 0;
    show();
  });
}
$("clear").addEventListener("click", () => start([]));
$("undo").addEventListener("click", () => start(strokes.slice(0, -1)));
$("example").addEventListener("click", () => start(facts.examples[example++ % facts.examples.length]));

function start(drawn) {
  strokes = drawn;
  chosen = 0;
  paint();
  show();
}

const UNSURE = "The network is not sure of a digit marked ?: write it larger, in one piece, apart from others.";

function show() {
  const lines = strokes.length ? readDrawing(drawing(), predict) : [], digits = lines.flat();
  const text = lines.map((line) => line.map((digit) => (digit.declined ? "?" : facts.classes[digit.label])).join("")).join("\n");
  $("answer").textContent = text;
  $("undo").disabled = $("clear").disabled = !strokes.length;
  const hint = !strokes.length ? "Draw a digit, or several side by side." : !digits.length
    ? "There is too little ink to read: write larger." : digits.some((digit) => digit.declined) ? UNSURE : "";
  $("hint").textContent = hint;
  $("seen").replaceChildren(...digits.map(showSeen));
  $("bars").replaceChildren(...(digits.length ? showBars(digits[Math.min(chosen, digits.length - 1)]) : []));
  $("inside").hidden = !digits.length;
}

/** One digit as the network sees it: a button that shows its probabilities. */
function showSeen(digit, number) {
  const button = element("button", "seen"), view = document.createElement("canvas");
  const name = digit.declined ? "?" : facts.classes[digit.label];
  button.type = "button";
  button.setAttribute("aria-pressed", String(number === chosen));
  button.setAttribute("aria-label", `Digit ${number + 1}: ${name}, ${percent(digit.probabilities[digit.label])}`);
  view.width = view.height = SIDE;
  const pixels = new ImageData(SIDE, SIDE);
  digit.image.data.forEach((value, k) => pixels.data.set([value, value, value, 255], 4 * k));
  view.getContext("2d").putImageData(pixels, 0, 0);
  button.append(view, element("span", "", name));
  button.addEventListener("click", () => {
    chosen = number;
    show();
    $("seen").children[number]?.focus();
  });
  return button;
}

function showBars({ probabilities, label }) {
  const rows = facts.classes.map((name, k) => showBar(name, probabilities[k], k === label));
  const rest = Math.max(0, 1 - total(probabilities));
  return facts.reading.noDigit ? [...rows, showBar("none", rest, rest > 0.5)] : rows;
}

function showBar(name, share, isLikeliest) {
  const row = element("li", isLikeliest ? "bar likeliest" : "bar"), track = element("span", "track");
  const fill = element("span", "fill");
  fill.style.width = `${100 * share}%`;
  track.append(fill);
  row.append(element("span", "name", name), track, element("span", "share", percent(share)));
  return row;
}

show();
