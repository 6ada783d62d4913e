// Ink → the digits on it: which marks are one digit, and when an answer is declined.
//
// These are the rules of `digitlab/drawing` for marks that stand apart. Digits that touch are not
// cut: they are declined, and the page asks to write them apart.

const TALL = 0.4, NEAR = 0.5, SAME_LINE = 0.4, STACK_GAP = 0.25, STACK_SHARE = 0.5;
const GAP = 6, WIDE = 5, LOW = 8, LOWEST = 0.7, STROKES = 3, USUAL = 1.5, USUAL_DOWN = 2.4;
const STRAY = 6, STRAY_HEIGHT = 0.3, OVERLAP = 3, EVIDENCE = 2, LEAST = 1e-4, NEXT = 0.7, ABOVE = 1;
const WIDEST = 1.7, LOWEST_RUN = 0.5, LONGEST = 12, COMPACT = 1.4, LINE_COST = 2, MOST_MARKS = 40;
const SURE = 0.95, CROSSED = 2, PAIR = 0.5, DIGIT = 0.2; // see isDoubtful and liftDoubtful
const FAINTEST = 24, FAINT_SHARE = 0.1;

const heightOf = (box) => box[3] - box[1];
const widthOf = (box) => box[2] - box[0];
/** Columns (axis 0) or rows (axis 1) that two boxes share; below 0 it is the gap between. */
const shared = (a, b, axis) => Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]);
const around = (boxes) => [0, 1, 2, 3].map((k) => (k < 2 ? Math.min : Math.max)(...boxes.map((box) => box[k])));
const total = (values) => values.reduce((sum, value) => sum + value, 0);

/** The usual stroke brought to 255 and the faintest left out. */
function fullScale(image) {
  const counts = new Array(256).fill(0);
  for (const value of image.data) counts[value] += 1;
  let strongest = 255;
  while (strongest > 0 && !counts[strongest]) strongest -= 1;
  if (strongest < FAINTEST) return imageOf(image.width, image.height);
  const half = Math.ceil(strongest / 2), above = total(counts.slice(half));
  let usual = half, sum = counts[half];
  while (sum < above / 2) sum += counts[++usual];
  return imageOf(image.width, image.height, image.data.map((value) =>
    (value < FAINT_SHARE * strongest ? 0 : Math.min(255, round(value * (255 / usual))))));
}

/** The connected pieces of the ink without dust: their numbers per pixel, and their boxes. */
function findMarks(ink) {
  const clean = removeSpecks(ink), { labels, areas } = labelPieces(clean);
  const boxes = areas.slice(1).map(() => [ink.width, ink.height, 0, 0]);
  labels.forEach((number, place) => {
    if (!number) return;
    const box = boxes[number - 1], x = place % ink.width, y = (place - x) / ink.width;
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x + 1);
    box[3] = Math.max(box[3], y + 1);
  });
  return { ink: clean, labels, boxes };
}

/** The tall mark that a low one belongs to; null for tall marks and isolated ones. */
function ownerOf(mark, boxes) {
  const heights = boxes.map(heightOf);
  if (heights[mark] >= TALL * Math.max(...heights)) return null;
  let nearest = null, least = Infinity;
  boxes.forEach((box, k) => {
    if (heights[k] * TALL <= heights[mark]) return;
    const gap = Math.max(-shared(boxes[mark], box, 0), -shared(boxes[mark], box, 1), 0);
    if (gap < least) [nearest, least] = [k, gap];
  });
  return least <= NEAR * heights[nearest] ? nearest : null;
}

/** Pairs of marks in one line: each tall mark and the next, each low mark and its tall one. */
function findNeighbours(boxes) {
  const owners = boxes.map((_, k) => ownerOf(k, boxes)), pairs = [];
  owners.forEach((owner, k) => { if (owner !== null) pairs.push([k, owner]); });
  const tall = boxes.map((_, k) => k).filter((k) => owners[k] === null)
    .sort((a, b) => boxes[a][0] + boxes[a][2] - boxes[b][0] - boxes[b][2]);
  tall.forEach((mark, place) => {
    const next = tall.slice(place + 1).find((other) =>
      shared(boxes[mark], boxes[other], 1) >= SAME_LINE * Math.min(heightOf(boxes[mark]), heightOf(boxes[other])));
    if (next !== undefined) pairs.push([mark, next]);
  });
  return pairs;
}

/** Pairs of marks closely above each other, which may be parts of one digit. */
function findStacks(boxes) {
  const pairs = [];
  boxes.forEach((first, a) => boxes.slice(a + 1).forEach((second, b) => {
    const near = -shared(first, second, 1) <= STACK_GAP * Math.max(heightOf(first), heightOf(second));
    if (near && shared(first, second, 0) >= STACK_SHARE * Math.min(widthOf(first), widthOf(second))) {
      pairs.push([a, a + 1 + b]);
    }
  }));
  return pairs;
}

/** The marks that pairs connect, as lines from top to bottom. */
function joinLines(boxes, pairs) {
  const line = boxes.map((_, k) => k);
  for (const [a, b] of pairs) {
    const [from, to] = [line[b], line[a]];
    line.forEach((value, k) => { if (value === from) line[k] = to; });
  }
  const middle = (members) => total(members.map((k) => boxes[k][1] + boxes[k][3])) / members.length;
  return [...new Set(line)].map((number) => line.flatMap((value, k) => (value === number ? [k] : [])))
    .sort((a, b) => middle(a) - middle(b));
}

/** The ways to arrange marks in lines: mostly one; two where marks lie closely above each other. */
function findLayouts(boxes) {
  const links = findNeighbours(boxes);
  const apart = joinLines(boxes, links), together = joinLines(boxes, [...links, ...findStacks(boxes)]);
  return JSON.stringify(apart) === JSON.stringify(together) ? [apart] : [apart, together];
}

/** The height of a digit in a line: its tallest mark, or marks above each other together. */
function lineHeight(boxes) {
  return Math.max(...boxes.map((box) => {
    const stacked = boxes.filter((other) => shared(box, other, 0) >= STACK_SHARE * Math.min(widthOf(box), widthOf(other)));
    return Math.max(...stacked.map((other) => other[3])) - Math.min(...stacked.map((other) => other[1]));
  }));
}

/** How many strokes a row of a digit meets in the mean; of its columns with `isTurned`. */
function strokesCrossed({ data }, isTurned) {
  let begun = 0, rows = 0;
  for (let row = 0; row < SIDE; row++) {
    let strokes = 0, before = false;
    for (let k = 0; k < SIDE; k++) {
      const solid = data[isTurned ? k * SIDE + row : row * SIDE + k] > 127;
      if (solid && !before) strokes += 1;
      before = solid;
    }
    begun += strokes;
    rows += strokes > 0 ? 1 : 0;
  }
  return begun / Math.max(1, rows);
}

/** The rows or columns between pieces that none of them reaches. */
function paperBetween(ends) {
  const sorted = [...ends].sort((a, b) => a[0] - b[0]);
  let reached = sorted[0][1], paper = 0;
  for (const [start, end] of sorted.slice(1)) {
    paper += Math.max(0, start - reached);
    reached = Math.max(reached, end);
  }
  return paper;
}

/** What is unlikely about the shape of a run of marks, in nats. */
function unlikely(boxes, image, height) {
  const [left, top, right, bottom] = around(boxes);
  const gaps = paperBetween(boxes.map((box) => [box[0], box[2]])) + paperBetween(boxes.map((box) => [box[1], box[3]]));
  const strokes = Math.max(0, strokesCrossed(image) - USUAL) + Math.max(0, strokesCrossed(image, true) - USUAL_DOWN);
  return GAP * (gaps / height) + WIDE * Math.max(0, (right - left) / height - 1)
    + LOW * Math.max(0, LOWEST - (bottom - top) / height) + STROKES * strokes;
}

/** The ink of some marks alone, cut out: {part, left, top}. */
function inkOf(marks, members) {
  const box = around(members.map((k) => marks.boxes[k])), [left, top] = box;
  const part = crop(marks.ink, box), chosen = new Set(members.map((k) => k + 1));
  for (let k = 0; k < part.data.length; k++) {
    const place = (top + Math.floor(k / part.width)) * marks.ink.width + left + (k % part.width);
    if (!chosen.has(marks.labels[place])) part.data[k] = 0;
  }
  return { part, left, top };
}

/** The best reading of a line of marks: {digits, score}; each digit may be several marks. */
function readLine(marks, members, predict) {
  const order = [...members].sort((a, b) => marks.boxes[a][0] + marks.boxes[a][2] - marks.boxes[b][0] - marks.boxes[b][2]);
  const boxes = order.map((k) => marks.boxes[k]), height = lineHeight(boxes), count = order.length;
  const best = [0], back = [null];
  const splits = order.map((_, cut) => NEXT + Math.max(0, ...boxes.slice(0, cut).flatMap((a) => boxes.slice(cut).map((b) =>
    ABOVE * Math.max(0, shared(a, b, 0) / Math.min(widthOf(a), widthOf(b)))))));
  for (let end = 1; end <= count; end++) {
    best[end] = -Infinity;
    for (let start = end - 1; start >= Math.max(0, end - LONGEST); start--) {
      const run = boxes.slice(start, end), box = around(run);
      const possible = widthOf(box) <= WIDEST * height && heightOf(box) >= LOWEST_RUN * height;
      if (run.length > 1 && !possible) continue;
      const { part, left, top } = inkOf(marks, order.slice(start, end)), framed = frameDigit(part);
      if (framed) {
        const digit = { image: framed.image, box: framed.box.map((side, k) => side + (k % 2 ? top : left)), ...predict(framed.image) };
        const reached = Math.max(0, ...boxes.slice(0, start).map((other) => other[2]));
        const score = EVIDENCE * Math.log(Math.max(LEAST, digit.certainty))
          - unlikely(run, framed.image, height) - OVERLAP * Math.max(0, reached - box[0]) / height
          - (start ? splits[start] : 0);
        if (best[start] + score > best[end]) [best[end], back[end]] = [best[start] + score, { start, digit }];
      }
      if (run.length === 1 && heightOf(box) < STRAY_HEIGHT * height && best[start] - STRAY > best[end]) {
        [best[end], back[end]] = [best[start] - STRAY, { start, digit: null }];
      }
    }
  }
  const digits = [];
  if (best[count] > -Infinity) {
    for (let end = count; end > 0; end = back[end].start) if (back[end].digit) digits.unshift(back[end].digit);
  }
  return { digits: liftDoubtful(digits, height, predict.decline), score: best[count] };
}

/** Whether a mark as wide as two digits was not read with confidence; the app tries to cut such. */
const isDoubtful = ({ box, image, certainty }, height) =>
  widthOf(box) >= PAIR * height && (certainty < SURE || strokesCrossed(image) > CROSSED);

/** Among others, a doubtful mark counts as a digit as surely as all do on average. */
function liftDoubtful(digits, height, decline) {
  const sums = digits.map(({ probabilities }) => total(probabilities)), mean = total(sums) / digits.length;
  return digits.map((digit, k) => {
    if (!isDoubtful(digit, height)) return digit;
    const factor = Math.max(1, mean / Math.max(DIGIT, sums[k]));
    const probabilities = digit.probabilities.map((value) => value * factor);
    return { ...digit, probabilities, declined: decline(probabilities) };
  });
}

/** The lines of digits on a drawing, {width, height, data}; none where nothing is drawn. */
function readDrawing(drawing, predict) {
  const ink = fullScale(drawing), marks = findMarks(ink);
  const whole = () => {
    const framed = frameDigit(ink);
    return framed ? [[{ ...framed, ...predict(framed.image) }]] : [];
  };
  if (marks.boxes.length < 2 || marks.boxes.length > MOST_MARKS) return whole();
  const ways = findLayouts(marks.boxes).map((layout) => {
    const lines = layout.map((members) => readLine(marks, members, predict));
    return {
      lines: lines.map((line) => line.digits).filter((digits) => digits.length),
      score: total(lines.map((line) => line.score)) - LINE_COST * (lines.length - 1),
    };
  });
  const best = ways.reduce((first, second) => (second.score > first.score ? second : first));
  return best.lines.length ? best.lines : whole();
}

/**
 * `predict(image) → {probabilities, label, certainty, declined}` of a network of `openNetwork`.
 *
 * Probabilities are calibrated by the temperature; what they lack to 1 is that of no digit.
 * `certainty` is the largest one before that, and `predict.decline(probabilities)` says why an
 * answer is not given.
 */
function predictorOf(network, { noDigit, isBinary, temperature, digit, confidence }) {
  const decline = (probabilities) =>
    (total(probabilities) < digit ? "no digit" : Math.max(...probabilities) < confidence ? "unsure" : null);
  const predict = (image) => {
    const logits = Array.from(network({ images: { shape: [1, 1, SIDE, SIDE], data: image.data } }).logits.data);
    let values;
    if (isBinary) {
      const sigmoids = logits.map(Math.exp), sum = Math.max(1, total(sigmoids));
      values = sigmoids.map((value) => value / sum);
    } else {
      const every = noDigit ? [...logits, 0] : logits, most = Math.max(...every);
      const powers = every.map((logit) => Math.exp(logit - most)), sum = total(powers);
      values = powers.slice(0, logits.length).map((power) => power / sum);
    }
    const sum = total(values), none = sum > 1 - 1e-5 ? 0 : 1 - sum;
    const powers = [...values, none].map((value, k) => Math.max(k < values.length ? 1e-12 : 0, value) ** (1 / temperature));
    const scale = total(powers), probabilities = powers.slice(0, -1).map((power) => power / scale);
    return { probabilities, declined: decline(probabilities), label: values.indexOf(Math.max(...values)), certainty: Math.max(...values) };
  };
  return Object.assign(predict, { decline });
}
