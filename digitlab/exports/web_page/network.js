// A network as its ONNX graph describes it, run over typed arrays.
//
// A tensor is {shape, data}: floats are Float32Array, integers Int32Array, booleans and bytes
// Uint8Array. An operator gets its inputs (undefined where one is left out), its attributes and how
// many outputs are wanted, and returns one tensor or several, as
// https://onnx.ai/onnx/operators/ says.

const sizeOf = (shape) => shape.reduce((product, side) => product * side, 1);
const floats = (shape, data) => ({ shape, data: data ?? new Float32Array(sizeOf(shape)) });
const integers = (shape, data) => ({ shape, data: Int32Array.from(data) });
const axisOf = (axis, rank) => (axis < 0 ? axis + rank : axis);
const range = (count) => Array.from({ length: count }, (_, k) => k);

const ARRAYS = {
  1: Float32Array, 2: Uint8Array, 3: Int8Array, 5: Int16Array, 6: Int32Array, 7: Int32Array,
  9: Uint8Array, 10: Float32Array, 11: Float32Array,
};

function stridesOf(shape) {
  const strides = new Array(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  }
  return strides;
}

/** The shape that tensors of these shapes are stretched to, as NumPy broadcasts them. */
function broadcastShape(shapes) {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return range(rank).map((axis) => {
    const sides = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sides.includes(0) ? 0 : Math.max(...sides);
  });
}

/** For each element of `shape` the place in a tensor of shape `from` that is stretched to it. */
function placesIn(from, shape) {
  const strides = stridesOf(from);
  const steps = shape.map((_, axis) => {
    const own = axis - shape.length + from.length;
    return own >= 0 && from[own] > 1 ? strides[own] : 0;
  });
  return walk(shape, steps, 0);
}

/** The places that `steps` along each axis lead to from `start`, in the order of `shape`. */
function walk(shape, steps, start) {
  let places = Int32Array.of(start);
  for (let axis = 0; axis < shape.length; axis++) {
    const further = new Int32Array(places.length * shape[axis]);
    let k = 0;
    for (const place of places) {
      for (let step = 0; step < shape[axis]; step++) further[k++] = place + step * steps[axis];
    }
    places = further;
  }
  return places;
}

function take(tensor, shape, places) {
  const data = new tensor.data.constructor(places.length);
  for (let k = 0; k < places.length; k++) data[k] = tensor.data[places[k]];
  return { shape, data };
}

const stretch = (tensor, shape) =>
  sizeOf(tensor.shape) === sizeOf(shape)
    ? { shape, data: tensor.data }
    : take(tensor, shape, placesIn(tensor.shape, shape));

function map(tensor, f) {
  const data = new Float32Array(tensor.data.length);
  for (let k = 0; k < data.length; k++) data[k] = f(tensor.data[k]);
  return { shape: tensor.shape, data };
}

function combine(tensors, f, Kind) {
  const shape = broadcastShape(tensors.map((tensor) => tensor.shape));
  return tensors.map((tensor) => stretch(tensor, shape)).reduce((first, second) => {
    const data = new (Kind ?? first.data.constructor)(first.data.length);
    for (let k = 0; k < data.length; k++) data[k] = f(first.data[k], second.data[k]);
    return { shape, data };
  });
}

const unary = (f) => ([tensor], attributes) => map(tensor, f(attributes));
const binary = (f, Kind) => (tensors) => combine(tensors, f, Kind);
const compare = (f) => binary(f, Uint8Array);
const divide = (a, b, tensor) => (tensor.data instanceof Float32Array ? a / b : Math.trunc(a / b));

/** erf by its series and continued fraction to about 1e-9 (Abramowitz and Stegun, 7.1). */
function erf(x) {
  const z = Math.abs(x);
  let value = 1;
  if (z < 2.5) {
    let term = z, sum = z;
    for (let n = 1; n < 60; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    value = (2 / Math.sqrt(Math.PI)) * sum;
  } else if (z < 6) {
    let fraction = 0;
    for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
    value = 1 - Math.exp(-z * z) / ((z + fraction) * Math.sqrt(Math.PI));
  }
  return x < 0 ? -value : value;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => (x > 30 ? x : Math.log1p(Math.exp(x)));
const gelu = (approximate) => (approximate === "tanh"
  ? (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
  : (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)));
const ACTIVATIONS = { Sigmoid: sigmoid, Tanh: Math.tanh, Relu: (x) => Math.max(0, x) };

/** Call `f(first, step, count)` for each row along an axis: where it starts, and its step. */
function eachRow(shape, axis, f) {
  const inner = sizeOf(shape.slice(axis + 1));
  for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
    for (let k = 0; k < inner; k++) f(outer * shape[axis] * inner + k, inner, shape[axis]);
  }
}

function softmax([tensor], { axis = -1 }, isLog) {
  const result = floats(tensor.shape);
  eachRow(tensor.shape, axisOf(axis, tensor.shape.length), (first, step, count) => {
    let most = -Infinity, sum = 0;
    for (let k = 0; k < count; k++) most = Math.max(most, tensor.data[first + k * step]);
    for (let k = 0; k < count; k++) sum += Math.exp(tensor.data[first + k * step] - most);
    for (let k = 0; k < count; k++) {
      const power = tensor.data[first + k * step] - most;
      result.data[first + k * step] = isLog ? power - Math.log(sum) : Math.exp(power) / sum;
    }
  });
  return result;
}

/** (x - mean) / deviation over `group` neighbouring elements, which are laid out one after another. */
function standardize(tensor, group, epsilon) {
  const result = floats(tensor.shape);
  for (let first = 0; first < tensor.data.length; first += group) {
    let mean = 0, variance = 0;
    for (let k = 0; k < group; k++) mean += tensor.data[first + k] / group;
    for (let k = 0; k < group; k++) variance += (tensor.data[first + k] - mean) ** 2 / group;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let k = 0; k < group; k++) result.data[first + k] = (tensor.data[first + k] - mean) * scale;
  }
  return result;
}

/** Each channel (axis 1) times its scale plus its offset. */
function affineByChannel(tensor, scale, offset) {
  const [batch, channels, ...rest] = tensor.shape, plane = sizeOf(rest);
  const result = floats(tensor.shape);
  for (let k = 0; k < batch * channels; k++) {
    const channel = k % channels;
    for (let place = k * plane; place < (k + 1) * plane; place++) {
      result.data[place] = tensor.data[place] * scale[channel] + offset[channel];
    }
  }
  return result;
}

const perChannel = (values, channels) =>
  (values.length === channels ? values : range(channels).map((k) => values[Math.floor((k * values.length) / channels)]));

/** What a window slides over, one or two axes: sides, steps and paper around them. */
function slide(shape, attributes, kernel) {
  const axes = shape.length - 2;
  const all = (value) => new Array(axes).fill(value);
  const strides = attributes.strides ?? all(1), dilations = attributes.dilations ?? all(1);
  let pads = attributes.pads ?? new Array(2 * axes).fill(0);
  const reach = kernel.map((side, k) => (side - 1) * dilations[k] + 1);
  if (attributes.auto_pad?.startsWith("SAME")) {
    const whole = range(axes).map((k) => {
      const last = (Math.ceil(shape[k + 2] / strides[k]) - 1) * strides[k] + reach[k];
      return Math.max(0, last - shape[k + 2]);
    });
    const less = whole.map((side) => Math.floor(side / 2)), more = whole.map((side, k) => side - less[k]);
    pads = attributes.auto_pad === "SAME_UPPER" ? [...less, ...more] : [...more, ...less];
  }
  const round = attributes.ceil_mode ? Math.ceil : Math.floor;
  const sides = range(axes).map((k) => {
    const room = shape[k + 2] + pads[k] + pads[k + axes];
    let side = round((room - reach[k]) / strides[k]) + 1;
    if (attributes.ceil_mode && (side - 1) * strides[k] >= shape[k + 2] + pads[k]) side -= 1;
    return side;
  });
  const two = (list, missing) => (axes === 1 ? [missing, list[0]] : list);
  return {
    sides, kernel: two(kernel, 1), strides: two(strides, 1), dilations: two(dilations, 1),
    pads: axes === 1 ? [0, pads[0], 0, pads[1]] : pads,
    input: two(shape.slice(2), 1), output: two(sides, 1),
  };
}

function convolve([tensor, weight, bias], attributes) {
  const [batch, channels] = tensor.shape, groups = attributes.group ?? 1;
  const [kernels, depth, ...kernel] = weight.shape;
  const { sides, strides, dilations, pads, input, output, kernel: [rows, columns] } =
    slide(tensor.shape, attributes, kernel);
  const [height, width] = input, [high, wide] = output;
  const result = floats([batch, kernels, ...sides]);
  for (let image = 0; image < batch; image++) {
    for (let out = 0; out < kernels; out++) {
      const plane = result.data.subarray((image * kernels + out) * high * wide, (image * kernels + out + 1) * high * wide);
      if (bias) plane.fill(bias.data[out]);
      const first = Math.floor(out / (kernels / groups)) * depth;
      for (let channel = 0; channel < depth; channel++) {
        const from = (image * channels + first + channel) * height * width;
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const factor = weight.data[((out * depth + channel) * rows + row) * columns + column];
            const shift = column * dilations[1] - pads[1];
            const start = Math.max(0, Math.ceil(-shift / strides[1]));
            const end = Math.min(wide, Math.floor((width - 1 - shift) / strides[1]) + 1);
            for (let y = 0; y < high; y++) {
              const source = y * strides[0] + row * dilations[0] - pads[0];
              if (source < 0 || source >= height) continue;
              const line = from + source * width + shift;
              for (let x = start; x < end; x++) plane[y * wide + x] += factor * tensor.data[line + x * strides[1]];
            }
          }
        }
      }
    }
  }
  return result;
}

function convolveTransposed([tensor, weight, bias], attributes) {
  const [batch, channels, ...input] = tensor.shape, groups = attributes.group ?? 1;
  const [, depth, ...kernel] = weight.shape, axes = input.length;
  const all = (value) => new Array(axes).fill(value);
  const strides = attributes.strides ?? all(1), dilations = attributes.dilations ?? all(1);
  const pads = attributes.pads ?? [...all(0), ...all(0)], extra = attributes.output_padding ?? all(0);
  const sides = range(axes).map((k) => attributes.output_shape?.[k]
    ?? strides[k] * (input[k] - 1) + extra[k] + (kernel[k] - 1) * dilations[k] + 1 - pads[k] - pads[k + axes]);
  const two = (list, missing) => (axes === 1 ? [missing, list[0]] : list);
  const [height, width] = two(input, 1), [high, wide] = two(sides, 1), [rows, columns] = two(kernel, 1);
  const [stepY, stepX] = two(strides, 1), [spreadY, spreadX] = two(dilations, 1), [padY, padX] = two(pads.slice(0, axes), 0);
  const kernels = depth * groups, result = floats([batch, kernels, ...sides]);
  for (let image = 0; image < batch; image++) {
    for (let out = 0; out < kernels; out++) {
      const to = (image * kernels + out) * high * wide;
      if (bias) result.data.fill(bias.data[out], to, to + high * wide);
      const group = Math.floor(out / depth), each = channels / groups;
      for (let channel = group * each; channel < (group + 1) * each; channel++) {
        const from = (image * channels + channel) * height * width;
        for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
          const value = tensor.data[from + y * width + x];
          for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
            const down = y * stepY + row * spreadY - padY, across = x * stepX + column * spreadX - padX;
            if (down < 0 || down >= high || across < 0 || across >= wide) continue;
            const factor = weight.data[((channel * depth + (out % depth)) * rows + row) * columns + column];
            result.data[to + down * wide + across] += value * factor;
          }
        }
      }
    }
  }
  return result;
}

function pool(tensor, attributes, isMean) {
  const { sides, kernel: [rows, columns], strides, dilations, pads, input: [height, width], output: [high, wide] } =
    slide(tensor.shape, attributes, attributes.kernel_shape);
  const result = floats([...tensor.shape.slice(0, 2), ...sides]);
  for (let plane = 0; plane < tensor.shape[0] * tensor.shape[1]; plane++) {
    for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++) {
      let sum = 0, most = -Infinity, count = 0;
      for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
        const down = y * strides[0] + row * dilations[0] - pads[0];
        const across = x * strides[1] + column * dilations[1] - pads[1];
        const inside = down >= 0 && down < height && across >= 0 && across < width;
        const padded = down < height + pads[2] && across < width + pads[3];
        if (inside || (attributes.count_include_pad && padded)) count++;
        if (!inside) continue;
        const value = tensor.data[(plane * height + down) * width + across];
        sum += value;
        most = Math.max(most, value);
      }
      result.data[(plane * high + y) * wide + x] = isMean ? sum / count : most;
    }
  }
  return result;
}

/** Matrices [..., n, k] times [..., k, m], the axes in front broadcast. */
function multiply([first, second]) {
  const left = first.shape.length === 1 ? [1, ...first.shape] : first.shape;
  const right = second.shape.length === 1 ? [...second.shape, 1] : second.shape;
  const [n, inner] = left.slice(-2), m = right[right.length - 1];
  const front = broadcastShape([left.slice(0, -2), right.slice(0, -2)]);
  const starts = placesIn(left.slice(0, -2), front), others = placesIn(right.slice(0, -2), front);
  const result = new Float32Array(sizeOf(front) * n * m);
  for (let k = 0; k < starts.length; k++) {
    const a = starts[k] * n * inner, b = others[k] * inner * m;
    for (let row = 0; row < n; row++) for (let i = 0; i < inner; i++) {
      const factor = first.data[a + row * inner + i];
      for (let column = 0; column < m; column++) {
        result[(k * n + row) * m + column] += factor * second.data[b + i * m + column];
      }
    }
  }
  const shape = [...front];
  if (first.shape.length > 1) shape.push(n);
  if (second.shape.length > 1) shape.push(m);
  return { shape, data: result };
}

function transpose([tensor], { perm }) {
  const order = perm ?? range(tensor.shape.length).reverse();
  const strides = stridesOf(tensor.shape), shape = order.map((axis) => tensor.shape[axis]);
  return take(tensor, shape, walk(shape, order.map((axis) => strides[axis]), 0));
}

function concatenate(tensors, { axis }) {
  const along = axisOf(axis, tensors[0].shape.length);
  const shape = [...tensors[0].shape];
  shape[along] = tensors.reduce((sum, tensor) => sum + tensor.shape[along], 0);
  const data = new tensors[0].data.constructor(sizeOf(shape));
  const inner = sizeOf(shape.slice(along + 1));
  let place = 0;
  for (let outer = 0; outer < sizeOf(shape.slice(0, along)); outer++) {
    for (const tensor of tensors) {
      const part = tensor.shape[along] * inner;
      data.set(tensor.data.subarray(outer * part, (outer + 1) * part), place);
      place += part;
    }
  }
  return { shape, data };
}

function slice([tensor, starts, ends, axes, steps]) {
  const shape = [...tensor.shape], strides = stridesOf(shape), moves = [...strides];
  let start = 0;
  starts.data.forEach((value, k) => {
    const axis = axisOf(axes?.data[k] ?? k, shape.length), side = tensor.shape[axis];
    const step = steps?.data[k] ?? 1, least = step < 0 ? -1 : 0;
    const clamp = (place) => Math.min(side + (step < 0 ? -1 : 0), Math.max(least, place < 0 ? place + side : place));
    const first = step < 0 ? Math.min(side - 1, Math.max(0, value < 0 ? value + side : value)) : clamp(value);
    const end = ends.data[k] < -side ? least : clamp(ends.data[k]);
    shape[axis] = Math.max(0, Math.ceil((end - first) / step));
    start += first * strides[axis];
    moves[axis] = step * strides[axis];
  });
  return take(tensor, shape, walk(shape, moves, start));
}

function gather([tensor, indices], { axis = 0 }) {
  const along = axisOf(axis, tensor.shape.length), side = tensor.shape[along];
  const inner = sizeOf(tensor.shape.slice(along + 1)), outer = sizeOf(tensor.shape.slice(0, along));
  const shape = [...tensor.shape.slice(0, along), ...indices.shape, ...tensor.shape.slice(along + 1)];
  const data = new tensor.data.constructor(sizeOf(shape));
  let place = 0;
  for (let k = 0; k < outer; k++) for (const index of indices.data) {
    const from = (k * side + axisOf(index, side)) * inner;
    data.set(tensor.data.subarray(from, from + inner), place);
    place += inner;
  }
  return { shape, data };
}

function reshape([tensor, wanted], { allowzero = 0 }) {
  const shape = Array.from(wanted.data, (side, axis) => (side === 0 && !allowzero ? tensor.shape[axis] : side));
  const unknown = shape.indexOf(-1);
  if (unknown >= 0) {
    shape[unknown] = 1;
    shape[unknown] = tensor.data.length / sizeOf(shape);
  }
  return { shape, data: tensor.data };
}

const reducer = (start, step, end = (sum) => sum) => ([tensor, given], attributes) => {
  const rank = tensor.shape.length;
  const listed = attributes.axes ?? (given ? Array.from(given.data) : []);
  if (!listed.length && attributes.noop_with_empty_axes) return tensor;
  const axes = new Set(listed.length ? listed.map((axis) => axisOf(axis, rank)) : range(rank));
  const kept = tensor.shape.map((side, axis) => (axes.has(axis) ? 1 : side));
  const places = placesIn(kept, tensor.shape), count = tensor.data.length / sizeOf(kept);
  const sums = new Float64Array(sizeOf(kept)).fill(start);
  tensor.data.forEach((value, k) => { sums[places[k]] = step(sums[places[k]], value); });
  const shape = attributes.keepdims === 0 ? kept.filter((_, axis) => !axes.has(axis)) : kept;
  const Kind = tensor.data.constructor;
  return { shape, data: Kind.from(sums, (sum) => end(sum, count)) };
};

/** LSTM, GRU and RNN: `step(gates of the input, hidden, R·hidden, cell)` → [hidden, cell]. */
function recur([tensor, W, R, B, , startHidden, startCell], attributes, gates, step) {
  const [length, batch, inputs] = tensor.shape, hidden = attributes.hidden_size;
  const ways = W.shape[0], size = gates * hidden;
  const outputs = floats([length, ways, batch, hidden]);
  const last = floats([ways, batch, hidden]), lastCell = floats([ways, batch, hidden]);
  for (let way = 0; way < ways; way++) {
    const backwards = attributes.direction === "reverse" || way === 1;
    const bias = B ? B.data.subarray(way * 2 * size, (way + 1) * 2 * size) : new Float32Array(2 * size);
    const activations = (attributes.activations ?? []).slice((way * (attributes.activations ?? []).length) / ways);
    for (let image = 0; image < batch; image++) {
      const at = (way * batch + image) * hidden;
      let h = Float32Array.from({ length: hidden }, (_, k) => startHidden?.data[at + k] ?? 0);
      let c = Float32Array.from({ length: hidden }, (_, k) => startCell?.data[at + k] ?? 0);
      for (let k = 0; k < length; k++) {
        const time = backwards ? length - 1 - k : k;
        const given = new Float64Array(size), own = new Float64Array(size);
        for (let gate = 0; gate < size; gate++) {
          let sum = bias[gate];
          for (let i = 0; i < inputs; i++) sum += W.data[(way * size + gate) * inputs + i] * tensor.data[(time * batch + image) * inputs + i];
          given[gate] = sum;
          sum = bias[size + gate];
          for (let i = 0; i < hidden; i++) sum += R.data[(way * size + gate) * hidden + i] * h[i];
          own[gate] = sum;
        }
        [h, c] = step(given, own, h, c, hidden, activations);
        outputs.data.set(h, ((time * ways + way) * batch + image) * hidden);
      }
      last.data.set(h, at);
      lastCell.data.set(c, at);
    }
  }
  return [outputs, last, lastCell];
}

const nextLstm = (given, own, h, c, hidden) => {
  const gate = (number, k) => given[number * hidden + k] + own[number * hidden + k];
  const cell = c.map((value, k) => sigmoid(gate(2, k)) * value + sigmoid(gate(0, k)) * Math.tanh(gate(3, k)));
  return [cell.map((value, k) => sigmoid(gate(1, k)) * Math.tanh(value)), cell];
};
const nextGru = (given, own, h, c, hidden) => [h.map((value, k) => {
  const [update, reset] = [0, 1].map((number) => sigmoid(given[number * hidden + k] + own[number * hidden + k]));
  const fresh = Math.tanh(given[2 * hidden + k] + reset * own[2 * hidden + k]);
  return (1 - update) * fresh + update * value;
}), c];
const nextRnn = (given, own, h, c, hidden, activations) =>
  [h.map((_, k) => ACTIVATIONS[activations[0] ?? "Tanh"](given[k] + own[k])), c];

function split([tensor, given], { axis = 0 }, count) {
  const along = axisOf(axis, tensor.shape.length), side = tensor.shape[along];
  const part = Math.ceil(side / count);
  const sides = given ? Array.from(given.data) : range(count).map((k) => Math.min(part, side - k * part));
  let start = 0;
  return sides.map((length) => {
    const bounds = [[start], [start + length], [along]].map((value) => integers([1], value));
    start += length;
    return slice([tensor, ...bounds]);
  });
}

function pad([tensor, pads, value, axes], { mode = "constant" }) {
  const rank = tensor.shape.length, listed = axes ? Array.from(axes.data) : range(rank);
  const before = new Array(rank).fill(0), after = new Array(rank).fill(0);
  listed.forEach((axis, k) => {
    before[axisOf(axis, rank)] = pads.data[k];
    after[axisOf(axis, rank)] = pads.data[k + listed.length];
  });
  const shape = tensor.shape.map((side, axis) => side + before[axis] + after[axis]);
  const strides = stridesOf(tensor.shape), data = new tensor.data.constructor(sizeOf(shape));
  const place = (index, side) => {
    if (index >= 0 && index < side) return index;
    if (mode === "edge") return Math.min(side - 1, Math.max(0, index));
    if (mode === "wrap") return ((index % side) + side) % side;
    return mode === "reflect" ? (index < 0 ? -index : 2 * side - 2 - index) : -1;
  };
  const outer = stridesOf(shape);
  for (let k = 0; k < data.length; k++) {
    let from = 0;
    for (let axis = 0; axis < rank && from >= 0; axis++) {
      const index = place((Math.floor(k / outer[axis]) % shape[axis]) - before[axis], tensor.shape[axis]);
      from = index < 0 ? -1 : from + index * strides[axis];
    }
    data[k] = from < 0 ? value?.data[0] ?? 0 : tensor.data[from];
  }
  return { shape, data };
}

/** The columns of depth become blocks of `blocksize` pixels a side. */
function depthToSpace([tensor], { blocksize: side, mode = "DCR" }) {
  const [batch, channels, height, width] = tensor.shape, depth = channels / side ** 2;
  const isFirst = mode === "CRD"; // the depth comes before the places within a block
  const parts = isFirst ? [batch, depth, side, side, height, width] : [batch, side, side, depth, height, width];
  const perm = isFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const { data } = transpose([{ shape: parts, data: tensor.data }], { perm });
  return { shape: [batch, depth, height * side, width * side], data };
}

/** The parts that rows of indices, each over the first axes, point at. */
function gatherNested([tensor, indices]) {
  const depth = indices.shape[indices.shape.length - 1], strides = stridesOf(tensor.shape);
  const inner = sizeOf(tensor.shape.slice(depth)), rows = indices.data.length / depth;
  const data = new tensor.data.constructor(rows * inner);
  for (let row = 0; row < rows; row++) {
    let from = 0;
    for (let k = 0; k < depth; k++) from += axisOf(indices.data[row * depth + k], tensor.shape[k]) * strides[k];
    data.set(tensor.data.subarray(from, from + inner), row * inner);
  }
  return { shape: [...indices.shape.slice(0, -1), ...tensor.shape.slice(depth)], data };
}

const NEAREST = {
  floor: Math.floor, ceil: Math.ceil, round_prefer_floor: (x) => Math.ceil(x - 0.5), round_prefer_ceil: (x) => Math.floor(x + 0.5),
};
const SOURCES = {
  half_pixel: (x, scale) => (x + 0.5) / scale - 0.5,
  pytorch_half_pixel: (x, scale, side) => (side > 1 ? (x + 0.5) / scale - 0.5 : 0),
  asymmetric: (x, scale) => x / scale,
  align_corners: (x, scale, side, from) => (side > 1 ? (x * (from - 1)) / (side - 1) : 0),
};

/** The places, and their shares, of which each place along an axis of `side` is made. */
function resizeAxis(from, side, scale, { mode, coordinate_transformation_mode: source, nearest_mode: nearest, cubic_coeff_a: a = -0.75 }) {
  const inside = (place) => Math.min(from - 1, Math.max(0, place));
  const cubic = (t) => (t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a);
  return range(side).map((x) => {
    const place = SOURCES[source ?? "half_pixel"](x, scale, side, from), left = Math.floor(place), rest = place - left;
    if (mode === "linear") return [[inside(left), 1 - rest], [inside(left + 1), rest]];
    if (mode === "cubic") return [-1, 0, 1, 2].map((k) => [inside(left + k), cubic(Math.abs(rest - k))]);
    return [[inside(NEAREST[nearest ?? "round_prefer_floor"](place)), 1]];
  });
}

function resize([tensor, , scales, sizes], attributes) {
  let result = tensor;
  tensor.shape.forEach((from, axis) => {
    const side = sizes ? sizes.data[axis] : Math.floor(from * scales.data[axis]);
    const scale = sizes ? side / from : scales.data[axis];
    if (side === from && scale === 1) return;
    const parts = resizeAxis(from, side, scale, attributes), inner = sizeOf(result.shape.slice(axis + 1));
    const shape = result.shape.map((own, k) => (k === axis ? side : own)), resized = floats(shape);
    for (let k = 0; k < resized.data.length; k++) {
      const first = Math.floor(k / (inner * side)) * from * inner + (k % inner);
      for (const [place, share] of parts[Math.floor(k / inner) % side]) resized.data[k] += share * result.data[first + place * inner];
    }
    result = resized;
  });
  return result;
}

const OPERATORS = {
  Abs: ([tensor]) => ({ shape: tensor.shape, data: tensor.data.map(Math.abs) }),
  Add: binary((a, b) => a + b),
  And: compare((a, b) => a && b),
  AveragePool: ([tensor], attributes) => pool(tensor, attributes, true),
  BatchNormalization: ([tensor, scale, offset, mean, variance], { epsilon = 1e-5 }) => {
    const factors = scale.data.map((value, k) => value / Math.sqrt(variance.data[k] + epsilon));
    return affineByChannel(tensor, factors, offset.data.map((value, k) => value - mean.data[k] * factors[k]));
  },
  Cast: ([tensor], { to }) => ({
    shape: tensor.shape, data: to === 9 ? Uint8Array.from(tensor.data, (value) => value !== 0) : ARRAYS[to].from(tensor.data),
  }),
  CastLike: ([tensor, like]) => ({ shape: tensor.shape, data: like.data.constructor.from(tensor.data) }),
  Ceil: unary(() => Math.ceil),
  Celu: unary(({ alpha = 1 }) => (x) => (x > 0 ? x : alpha * Math.expm1(x / alpha))),
  Clip: ([tensor, least, most]) => map(tensor, (x) => Math.min(most?.data[0] ?? Infinity, Math.max(least?.data[0] ?? -Infinity, x))),
  Concat: concatenate,
  ConstantOfShape: ([shape], { value }) => {
    const sides = Array.from(shape.data);
    return { shape: sides, data: new (value?.data.constructor ?? Float32Array)(sizeOf(sides)).fill(value?.data[0] ?? 0) };
  },
  Conv: convolve,
  ConvTranspose: convolveTransposed,
  Cos: unary(() => Math.cos),
  DepthToSpace: depthToSpace,
  Div: (tensors) => combine(tensors, (a, b) => divide(a, b, tensors[0])),
  Dropout: ([tensor]) => tensor,
  Elu: unary(({ alpha = 1 }) => (x) => (x > 0 ? x : alpha * Math.expm1(x))),
  Equal: compare((a, b) => a === b),
  Erf: unary(() => erf),
  Exp: unary(() => Math.exp),
  Expand: ([tensor, shape]) => stretch(tensor, broadcastShape([tensor.shape, Array.from(shape.data)])),
  Flatten: ([tensor], { axis = 1 }) => {
    const first = sizeOf(tensor.shape.slice(0, axisOf(axis, tensor.shape.length)));
    return { shape: [first, tensor.data.length / first], data: tensor.data };
  },
  Floor: unary(() => Math.floor),
  GRU: (inputs, attributes) => recur(inputs, attributes, 3, nextGru).slice(0, 2),
  Gather: gather,
  GatherND: gatherNested,
  Gelu: unary(({ approximate }) => gelu(approximate)),
  Gemm: ([a, b, c], { alpha = 1, beta = 1, transA, transB }) => {
    const product = multiply([transA ? transpose([a], {}) : a, transB ? transpose([b], {}) : b]);
    const scaled = alpha === 1 ? product : map(product, (value) => alpha * value);
    return c ? combine([scaled, c], (value, offset) => value + beta * offset) : scaled;
  },
  GlobalAveragePool: ([tensor]) => OPERATORS.ReduceMean([tensor], { axes: range(tensor.shape.length).slice(2) }),
  GlobalMaxPool: ([tensor]) => OPERATORS.ReduceMax([tensor], { axes: range(tensor.shape.length).slice(2) }),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  GroupNormalization: ([tensor, scale, offset], { epsilon = 1e-5, num_groups }) => {
    const channels = tensor.shape[1], group = sizeOf(tensor.shape.slice(1)) / num_groups;
    return affineByChannel(standardize(tensor, group, epsilon), perChannel(scale.data, channels), perChannel(offset.data, channels));
  },
  HardSigmoid: unary(({ alpha = 0.2, beta = 0.5 }) => (x) => Math.min(1, Math.max(0, alpha * x + beta))),
  HardSwish: unary(() => (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5))),
  Identity: ([tensor]) => tensor,
  InstanceNormalization: ([tensor, scale, offset], { epsilon = 1e-5 }) =>
    affineByChannel(standardize(tensor, sizeOf(tensor.shape.slice(2)), epsilon), scale.data, offset.data),
  LSTM: (inputs, attributes) => recur(inputs, attributes, 4, nextLstm),
  LayerNormalization: ([tensor, scale, offset], { axis = -1, epsilon = 1e-5 }) => {
    const group = sizeOf(tensor.shape.slice(axisOf(axis, tensor.shape.length)));
    const scaled = combine([standardize(tensor, group, epsilon), scale], (a, b) => a * b);
    return offset ? combine([scaled, offset], (a, b) => a + b) : scaled;
  },
  LeakyRelu: unary(({ alpha = 0.01 }) => (x) => (x < 0 ? alpha * x : x)),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  Log: unary(() => Math.log),
  LogSoftmax: (inputs, attributes) => softmax(inputs, attributes, true),
  MatMul: multiply,
  Max: binary(Math.max),
  MaxPool: ([tensor], attributes) => pool(tensor, attributes, false),
  Mean: (tensors) => map(combine(tensors, (a, b) => a + b), (sum) => sum / tensors.length),
  Min: binary(Math.min),
  Mish: unary(() => (x) => x * Math.tanh(softplus(x))),
  Mul: binary((a, b) => a * b),
  Neg: ([tensor]) => ({ shape: tensor.shape, data: tensor.data.map((value) => -value) }),
  Not: ([tensor]) => ({ shape: tensor.shape, data: tensor.data.map((value) => (value ? 0 : 1)) }),
  Or: compare((a, b) => a || b),
  PRelu: binary((x, slope) => (x < 0 ? slope * x : x)),
  Pad: pad,
  Pow: binary((a, b) => a ** b),
  RNN: (inputs, attributes) => recur(inputs, attributes, 1, nextRnn).slice(0, 2),
  Range: ([start, limit, step]) => {
    const count = Math.max(0, Math.ceil((limit.data[0] - start.data[0]) / step.data[0]));
    return { shape: [count], data: start.data.constructor.from(range(count), (k) => start.data[0] + k * step.data[0]) };
  },
  Reciprocal: unary(() => (x) => 1 / x),
  ReduceMax: reducer(-Infinity, Math.max),
  ReduceMean: reducer(0, (sum, x) => sum + x, (sum, count) => sum / count),
  ReduceMin: reducer(Infinity, Math.min),
  ReduceProd: reducer(1, (product, x) => product * x),
  ReduceSum: reducer(0, (sum, x) => sum + x),
  Relu: unary(() => (x) => (x > 0 ? x : 0)),
  Reshape: reshape,
  Resize: resize,
  Selu: unary(({ alpha = 1.67326319217681884765625, gamma = 1.05070102214813232421875 }) =>
    (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x))),
  Shape: ([tensor], { start = 0, end }) => {
    const sides = tensor.shape.slice(start, end);
    return integers([sides.length], sides);
  },
  Sigmoid: unary(() => sigmoid),
  Sign: ([tensor]) => ({ shape: tensor.shape, data: tensor.data.map(Math.sign) }),
  Sin: unary(() => Math.sin),
  Slice: slice,
  Softmax: (inputs, attributes) => softmax(inputs, attributes, false),
  Softplus: unary(() => softplus),
  Softsign: unary(() => (x) => x / (1 + Math.abs(x))),
  Split: split,
  Sqrt: unary(() => Math.sqrt),
  Squeeze: ([tensor, axes]) => {
    const gone = axes && Array.from(axes.data, (axis) => axisOf(axis, tensor.shape.length));
    return { shape: tensor.shape.filter((side, axis) => (gone ? !gone.includes(axis) : side !== 1)), data: tensor.data };
  },
  Sub: binary((a, b) => a - b),
  Sum: binary((a, b) => a + b),
  Tanh: unary(() => Math.tanh),
  ThresholdedRelu: unary(({ alpha = 1 }) => (x) => (x > alpha ? x : 0)),
  Transpose: transpose,
  Unsqueeze: ([tensor, axes]) => {
    const rank = tensor.shape.length + axes.data.length, shape = [...tensor.shape];
    for (const axis of Array.from(axes.data, (value) => axisOf(value, rank)).sort((a, b) => a - b)) shape.splice(axis, 0, 1);
    return { shape, data: tensor.data };
  },
  Where: ([condition, yes, no]) => {
    const shape = broadcastShape([condition.shape, yes.shape, no.shape]);
    const [test, first, second] = [condition, yes, no].map((tensor) => stretch(tensor, shape));
    const data = new first.data.constructor(first.data.length);
    for (let k = 0; k < data.length; k++) data[k] = test.data[k] ? first.data[k] : second.data[k];
    return { shape, data };
  },
};

/** Half-precision bits → numbers. */
function readHalves(bits) {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1, power = (half >> 10) & 31, fraction = half & 1023;
    return sign * (power ? 2 ** (power - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}

const STORED = { half: Uint16Array, float: Float32Array, int: Int32Array, byte: Uint8Array };

/** A graph as the export wrote it → `(tensors by name) => outputs by name`. */
function openNetwork(graph) {
  const bytes = Uint8Array.from(atob(graph.values), (letter) => letter.charCodeAt(0));
  const known = {};
  const read = ({ kind, shape, start }) => {
    const size = sizeOf(shape) * STORED[kind].BYTES_PER_ELEMENT;
    const data = new STORED[kind](bytes.slice(start, start + size).buffer);
    return { shape, data: kind === "half" ? readHalves(data) : data };
  };
  for (const [name, stored] of Object.entries(graph.tensors)) known[name] = read(stored);
  return (inputs) => {
    const tensors = { ...known, ...inputs };
    for (const { op, inputs: names, outputs, attributes, value } of graph.nodes) {
      if (value) attributes.value = known[value];
      const results = OPERATORS[op](names.map((name) => tensors[name]), attributes, outputs.length);
      [results].flat().forEach((tensor, k) => { tensors[outputs[k]] = tensor; });
    }
    return Object.fromEntries(graph.outputs.map((name) => [name, tensors[name]]));
  };
}
