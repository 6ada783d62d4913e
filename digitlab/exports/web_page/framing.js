// Ink → a 28×28 digit as MNIST frames them: the steps of `digitlab/drawing/stages.py`, to the bit.
//
// An image is {width, height, data}: bytes row by row, 0 is paper and 255 is ink.

const SIDE = 28, FITTED = 20, CENTRE = 14, WORKING = 4, PADDING = 2 * WORKING;
const THINNEST = 1.6, THICKEST = 3.6; // pixels of MNIST's strokes
const SPECK_SHARE = 0.02, SPECK_PIXELS = 3, SPECK_SIDE = 0.015;
const DOT_DEPTH = 0.9, DOT_ASPECT = 1.5;

const imageOf = (width, height, data) => ({ width, height, data: data ?? new Uint8Array(width * height) });

/** Rounded as NumPy and IEEE 754 do: halves to the even neighbour. */
function round(x) {
  const down = Math.floor(x), rest = x - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}

function crop(image, [left, top, right, bottom]) {
  const part = imageOf(right - left, bottom - top);
  for (let y = top; y < bottom; y++) {
    const row = y * image.width;
    part.data.set(image.data.subarray(row + left, row + right), (y - top) * part.width);
  }
  return part;
}

/** The box of the ink, [left, top, right, bottom], the last two exclusive; null without ink. */
function findBox({ width, height, data }) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!data[y * width + x]) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
  }
  return right ? [left, top, right, bottom] : null;
}

/** Connected pieces of ink, also over corners: their numbers from 1 in scanning order, and areas. */
function labelPieces({ width, height, data }) {
  const labels = new Int32Array(width * height), areas = [0], waiting = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || labels[start]) continue;
    const number = areas.length;
    areas.push(0);
    labels[start] = number;
    waiting.push(start);
    while (waiting.length) {
      const place = waiting.pop(), x = place % width, y = (place - x) / width;
      areas[number] += 1;
      for (let down = Math.max(0, y - 1); down <= Math.min(height - 1, y + 1); down++) {
        for (let across = Math.max(0, x - 1); across <= Math.min(width - 1, x + 1); across++) {
          const next = down * width + across;
          if (data[next] && !labels[next]) {
            labels[next] = number;
            waiting.push(next);
          }
        }
      }
    }
  }
  return { labels, areas };
}

/** The ink without pieces far smaller than the largest. */
function removeSpecks(ink) {
  const { labels, areas } = labelPieces(ink);
  if (areas.length < 3) return ink;
  const least = SPECK_SHARE * Math.max(...areas);
  return imageOf(ink.width, ink.height, ink.data.map((value, k) => (areas[labels[k]] >= least ? value : 0)));
}

const FILTERS = {
  box: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bicubic: {
    reach: 2,
    weight: (x) => {
      const z = Math.abs(x);
      if (z < 1) return (1.5 * z - 2.5) * z * z + 1;
      return z < 2 ? -0.5 * (((z - 5) * z + 8) * z - 4) : 0;
    },
  },
};
const PRECISION = 2 ** 22; // of Pillow's fixed-point factors

/** Lines of `count` pixels resized to `size`, as Pillow resizes images of 8 bits. */
function resizeLines(count, size, filter, read, write, lines) {
  const scale = count / size, wide = Math.max(1, scale), support = FILTERS[filter].reach * wide;
  for (let place = 0; place < size; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(count, Math.trunc(centre + support + 0.5));
    const weights = [];
    for (let k = first; k < end; k++) weights.push(FILTERS[filter].weight((k - centre + 0.5) / wide));
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    const factors = weights.map((weight) => {
      const value = (whole ? weight / whole : weight) * PRECISION;
      return Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    });
    for (let line = 0; line < lines; line++) {
      let sum = PRECISION / 2;
      for (let k = first; k < end; k++) sum += read(line, k) * factors[k - first];
      write(line, place, Math.min(255, Math.max(0, Math.floor(sum / PRECISION))));
    }
  }
}

function resize(image, width, height, filter) {
  let { data } = image;
  if (width !== image.width) {
    const narrow = new Uint8Array(width * image.height);
    resizeLines(image.width, width, filter, (y, x) => data[y * image.width + x],
      (y, x, value) => { narrow[y * width + x] = value; }, image.height);
    data = narrow;
  }
  if (height === image.height) return imageOf(width, height, data);
  const result = imageOf(width, height);
  resizeLines(image.height, height, filter, (x, y) => data[y * width + x],
    (x, y, value) => { result.data[y * width + x] = value; }, width);
  return result;
}

/** Scaled so that the longer side is `longest`: averaged over areas, or smoothly enlarged. */
function scaleTo(image, longest) {
  const scale = longest / Math.max(image.width, image.height);
  const sides = [image.width, image.height].map((side) => Math.max(1, round(side * scale)));
  return resize(image, ...sides, scale < 1 ? "box" : "bicubic");
}

/** Squared distance of each pixel to the nearest one of `isGoal` (Felzenszwalb, Huttenlocher 2012). */
function squaredDistances(width, height, isGoal) {
  const FAR = 1e12, field = Float64Array.from({ length: width * height }, (_, k) => (isGoal(k) ? 0 : FAR));
  const sweep = (count, start, step) => {
    const values = Float64Array.from({ length: count }, (_, k) => field[start + k * step]);
    const lows = [0], bounds = [-Infinity];
    for (let k = 1; k < count; k++) {
      const meet = (low) => (values[k] + k * k - values[low] - low * low) / (2 * (k - low));
      while (meet(lows[lows.length - 1]) <= bounds[bounds.length - 1]) {
        lows.pop();
        bounds.pop();
      }
      bounds.push(meet(lows[lows.length - 1]));
      lows.push(k);
    }
    bounds.push(Infinity);
    for (let k = 0, low = 0; k < count; k++) {
      while (bounds[low + 1] < k) low += 1;
      field[start + k * step] = (k - lows[low]) ** 2 + values[lows[low]];
    }
  };
  for (let x = 0; x < width; x++) sweep(height, x, width);
  for (let y = 0; y < height; y++) sweep(width, y * width, 1);
  return field;
}

/** How deep in the ink each pixel lies, four times enlarged and with paper for strokes to grow into. */
function findDepth(part) {
  const large = scaleTo(part, FITTED * WORKING);
  const least = Math.max(1, Math.floor(Math.max(...large.data) / 2));
  const width = large.width + 2 * PADDING, height = large.height + 2 * PADDING;
  const solid = new Uint8Array(width * height);
  for (let y = 0; y < large.height; y++) {
    for (let x = 0; x < large.width; x++) {
      solid[(y + PADDING) * width + x + PADDING] = large.data[y * large.width + x] >= least ? 1 : 0;
    }
  }
  const depth = squaredDistances(width, height, (k) => !solid[k]).map(Math.sqrt);
  return { width, height, depth };
}

/** The usual width of strokes in pixels of the 20×20 box: twice the depth along their ridges. */
function strokeWidth({ width, height, depth }) {
  const ridge = [];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const value = depth[y * width + x];
      if (!value) continue;
      let most = 0;
      for (let k = -1; k <= 1; k++) {
        const row = (y + k) * width + x;
        most = Math.max(most, depth[row - 1], depth[row], depth[row + 1]);
      }
      if (value >= most) ridge.push(value);
    }
  }
  ridge.sort((a, b) => a - b);
  const half = ridge.length >> 1;
  const median = ridge.length % 2 ? ridge[half] : (ridge[half - 1] + ridge[half]) / 2;
  return (2 * median - 1) / WORKING;
}

/** The part with strokes as wide as MNIST's: too thin and too thick ones moved at both edges. */
function evenStrokes(part, field) {
  const usual = strokeWidth(field);
  const change = Math.min(THICKEST, Math.max(THINNEST, usual)) - usual;
  if (change === 0) return part;
  const { width, height, depth } = field;
  const outside = squaredDistances(width, height, (k) => depth[k] > 0);
  const evened = imageOf(width, height);
  for (let k = 0; k < depth.length; k++) {
    const distance = depth[k] > 0 ? depth[k] - 0.5 : 0.5 - Math.sqrt(outside[k]);
    evened.data[k] = round(255 * Math.min(1, Math.max(0, distance + (change / 2) * WORKING + 0.5)));
  }
  return crop(evened, findBox(evened));
}

/** Longer side 20, peak 255, in the middle of 20×20. */
function fitBox(part) {
  const small = scaleTo(part, FITTED), factor = 255 / Math.max(1, ...small.data);
  const left = (FITTED - small.width) >> 1, top = (FITTED - small.height) >> 1;
  const fitted = imageOf(FITTED, FITTED);
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      fitted.data[(y + top) * FITTED + x + left] = round(small.data[y * small.width + x] * factor);
    }
  }
  return fitted;
}

/** The centre of mass on the middle of 28×28, moved by whole pixels. */
function centreMass(fitted) {
  const tight = crop(fitted, findBox(fitted)), image = imageOf(SIDE, SIDE);
  let mass = 0, across = 0, down = 0;
  tight.data.forEach((value, k) => {
    mass += value;
    across += value * (k % tight.width);
    down += value * Math.floor(k / tight.width);
  });
  const start = (moment, side) => Math.min(SIDE - side, Math.max(0, round(CENTRE - moment / mass)));
  const left = start(across, tight.width), top = start(down, tight.height);
  for (let y = 0; y < tight.height; y++) {
    image.data.set(tight.data.subarray(y * tight.width, (y + 1) * tight.width), (y + top) * SIDE + left);
  }
  return image;
}

/** The one digit of the ink framed: {box, image}; null for specks, a solid dot or nothing. */
function frameDigit(ink) {
  const clean = removeSpecks(ink), box = findBox(clean);
  if (!box) return null;
  const part = crop(clean, box), longer = Math.max(part.width, part.height);
  if (longer < Math.max(SPECK_PIXELS, SPECK_SIDE * Math.min(ink.width, ink.height))) return null;
  const field = findDepth(part), shorter = Math.min(part.width, part.height);
  const deepest = field.depth.reduce((most, value) => Math.max(most, value), 0);
  const inner = Math.min(field.width, field.height) - 2 * PADDING;
  if (longer <= DOT_ASPECT * shorter && 2 * deepest >= DOT_DEPTH * inner) return null;
  return { box, image: centreMass(fitBox(evenStrokes(part, field))) };
}
