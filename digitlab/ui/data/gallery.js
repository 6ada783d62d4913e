// Images as tiles that are chosen and corrected by mouse and by keys. Called with the data of `show_gallery`.

const galleries = new WeakMap();

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  if (!galleries.has(parentElement)) galleries.set(parentElement, new Gallery(parentElement));
  const gallery = galleries.get(parentElement);
  gallery.send = (edits) => setStateValue("edits", edits);
  gallery.report = (id) => setTriggerValue("chosen", id);
  gallery.show(data);
}

class Gallery {
  constructor(parent) {
    this.root = parent.appendChild(document.createElement("div"));
    this.root.className = "lab-gallery";
    this.root.setAttribute("role", "group");
    this.root.addEventListener("keydown", (event) => this.press(event));
    this.status = parent.appendChild(document.createElement("div"));
    this.status.className = "lab-status";
    this.status.setAttribute("role", "status");
    this.pending = []; // edits that the server has not confirmed: a later one must not replace them
    this.last = 0;
    this.current = 0;
  }

  show(data) {
    this.data = data;
    this.pending = this.pending.filter(({ number }) => number > data.done);
    const { ids, sheet, group } = data;
    const shape = JSON.stringify([ids, sheet.source.length, group]);
    if (shape !== this.shape) this.build(data);
    this.shape = shape;
    this.root.setAttribute("aria-label", data.alt);
    this.tiles.forEach((tile, i) => this.mark(tile, i));
  }

  build({ ids, sheet, group, chosen }) {
    const { source, columns, rows, ratio } = sheet;
    this.root.replaceChildren();
    this.current = Math.max(0, ids.indexOf(chosen));
    this.tiles = ids.map((id, i) => {
      const tile = document.createElement("button");
      const [picture, caption] = [document.createElement("span"), document.createElement("small")];
      tile.type = "button";
      picture.style.backgroundImage = `url(${source})`;
      picture.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
      const share = (place, count) => (count > 1 ? (100 * place) / (count - 1) : 0);
      picture.style.backgroundPosition = `${share(i % columns, columns)}% ${share(Math.floor(i / columns), rows)}%`;
      picture.style.aspectRatio = ratio;
      tile.append(picture, caption);
      tile.addEventListener("click", () => this.choose(i));
      tile.addEventListener("focus", () => (this.current = i));
      return tile;
    });
    for (let i = 0; i < this.tiles.length; i += group) {
      const holder = group > 1 ? document.createElement("div") : this.root;
      holder.append(...this.tiles.slice(i, i + group));
      if (group > 1) this.root.append(holder);
    }
  }

  mark(tile, i) {
    const id = this.data.ids[i];
    const edit = this.pending.findLast((edit) => edit.id === id);
    const label = edit ? edit.label : this.data.changes[id];
    const changed = edit ? edit.label !== this.data.labels[i] : label !== undefined;
    const dropped = changed && label === null;
    const name = dropped ? "dropped" : changed ? `→ ${this.data.classes[label]}` : this.data.captions[i];
    tile.lastChild.textContent = name;
    tile.dataset.state = dropped ? "dropped" : changed ? "changed" : "";
    tile.title = this.data.hovers[i];
    tile.setAttribute("aria-label", `${this.data.hovers[i]}${changed ? `, ${name}` : ""}`);
    tile.setAttribute("aria-pressed", id === this.data.chosen);
    tile.tabIndex = i === this.current ? 0 : -1;
  }

  choose(i) {
    this.focus(i);
    this.report(this.data.ids[i]);
  }

  focus(i) {
    this.tiles[this.current].tabIndex = -1;
    this.current = Math.min(Math.max(i, 0), this.tiles.length - 1);
    this.tiles[this.current].tabIndex = 0;
    this.tiles[this.current].focus();
  }

  press(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    const i = this.current;
    if ((ctrlKey || metaKey) && key.toLowerCase() === "z") this.edit({ undo: true });
    else if (ctrlKey || metaKey || altKey) return;
    else if (key === "ArrowLeft" || key === "ArrowRight") this.focus(i + (key === "ArrowRight" ? 1 : -1));
    else if (key === "ArrowUp" || key === "ArrowDown") this.focus(this.inNextRow(i, key === "ArrowDown"));
    else if (key === "Home") this.focus(0);
    else if (key === "End") this.focus(this.tiles.length - 1);
    else if (key === "Delete" || key === "Backspace") this.correct(i, null);
    else if (key in this.data.keys) this.correct(i, this.data.keys[key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  correct(i, label) {
    this.edit({ id: this.data.ids[i], label });
    this.status.textContent = this.tiles[i].getAttribute("aria-label");
    this.focus(i + 1);
  }

  edit(edit) {
    this.last = Math.max(Date.now(), this.last + 1);
    this.pending.push({ ...edit, number: this.last });
    this.tiles.forEach((tile, place) => this.mark(tile, place));
    this.send(this.pending);
  }

  // The tile above or below, by where they are: how many are in a row depends on the width.
  inNextRow(i, down) {
    const boxes = this.tiles.map((tile) => tile.getBoundingClientRect());
    const from = boxes[i];
    const ahead = boxes.map((box, place) => ({ place, box })).filter(({ box }) =>
      down ? box.top > from.top + 4 : box.top < from.top - 4,
    );
    if (!ahead.length) return i;
    const edge = down ? Math.min(...ahead.map(({ box }) => box.top)) : Math.max(...ahead.map(({ box }) => box.top));
    const row = ahead.filter(({ box }) => Math.abs(box.top - edge) < 4);
    return row.sort((a, b) => Math.abs(a.box.left - from.left) - Math.abs(b.box.left - from.left))[0].place;
  }
}
