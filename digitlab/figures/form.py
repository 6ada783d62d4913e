"""Pictures of a form that was read: the straightened photo with its boxes, and the digits cut."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from digitlab.drawing.form import Form
from digitlab.drawing.stages import SIDE
from digitlab.figures import palette

SCALE, GAP = 2, 4  # pixels of the picture a digit's pixel and between two digits
ROOM = 0.3  # of a box's height: what is shown around the boxes
SMALL = 0.34  # of a box's height: the reading beside a doubtful digit


def marked_form(form: Form) -> Image.Image:
    """The straightened photo around its boxes; doubtful ones are framed and told as read."""
    picture = Image.fromarray(form.image)
    pen = ImageDraw.Draw(picture)
    boxes = [cell.box for row in form.cells for cell in row]
    height = sorted(bottom - top for _, top, _, bottom in boxes)[len(boxes) // 2]
    font = ImageFont.load_default(max(10, SMALL * height))
    for cell in (cell for row in form.cells for cell in row if cell.doubtful):
        pen.rectangle(cell.box, outline=palette.VAL, width=4)
        place = (cell.box[2] - 6, cell.box[1] + 5)
        pen.text(place, cell.text, palette.VAL, font, "rt", stroke_width=1)
    if form.is_sheet:
        return picture
    room = ROOM * height
    left, top = (max(0, min(box[k] for box in boxes) - room) for k in (0, 1))
    right, bottom = (max(box[k] for box in boxes) + room for k in (2, 3))
    return picture.crop((left, top, min(right, picture.width), min(bottom, picture.height)))


def cut_digits(form: Form) -> Image.Image:
    """The digits as they were cut out and framed, in the form's rows; doubtful ones are framed."""
    step = SIDE * SCALE + 2 * GAP
    columns = max(map(len, form.cells))
    picture = Image.new("RGBA", (columns * step, len(form.cells) * step))
    pen = ImageDraw.Draw(picture)
    for i, row in enumerate(form.cells):
        for j, cell in enumerate(row):
            left, top = j * step, i * step
            if cell.digit is None:
                pen.rectangle(
                    (left + 2, top + 2, left + step - 3, top + step - 3), None, palette.MUTED
                )
                continue
            if cell.doubtful:
                pen.rectangle((left, top, left + step - 1, top + step - 1), palette.VAL)
            tile = Image.fromarray(cell.digit).resize((SIDE * SCALE,) * 2, Image.Resampling.NEAREST)
            picture.paste(tile, (left + GAP, top + GAP))
    return picture
