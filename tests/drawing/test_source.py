"""Whatever a person hands in, the same strokes give the same ink, or one clear sentence."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from digitlab.drawing.source import read_drawing, read_pixels
from digitlab.drawing.strokes import rasterise
from digitlab.errors import DrawingError, EmptyDrawingError

SEVEN = [np.array([[70, 60], [200, 60], [110, 230]])]
CANVAS = rasterise(SEVEN)
INK = CANVAS[..., 3]
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def painted(paint: tuple[int, ...], paper: tuple[int, ...]) -> np.ndarray:
    """The seven in one colour on another, `uint8 [280, 280, 3]`."""
    cover = INK[..., None] / 255
    return np.rint(np.array(paint) * cover + np.array(paper) * (1 - cover)).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def assert_seven(ink: np.ndarray, away: float = 3) -> None:
    assert ink.dtype == np.uint8
    assert ink.shape == INK.shape
    assert np.abs(ink.astype(int) - INK).mean() < away


@pytest.mark.parametrize(
    ("paint", "paper"),
    [
        (BLACK, WHITE),
        (WHITE, BLACK),
        ((200, 30, 40), (250, 245, 225)),
        ((255, 255, 0), WHITE),
        ((60, 60, 60), (130, 130, 130)),
    ],
)
def test_any_colour_on_any_paper_is_the_same_ink(paint, paper):
    assert_seven(read_drawing(painted(paint, paper)))


@pytest.mark.parametrize("paint", [BLACK, WHITE, (20, 90, 200)])
def test_paint_on_a_transparent_canvas_is_ink_whatever_its_colour(paint):
    canvas = CANVAS.copy()
    canvas[..., :3] = paint
    assert_seven(read_drawing(canvas), away=1)


def test_transparent_corners_of_an_opaque_image_are_paper():
    canvas = np.dstack([painted(BLACK, WHITE), np.full(INK.shape, 255, np.uint8)])
    for rows, columns in ((slice(0, 12), slice(0, 12)), (slice(-12, None), slice(-12, None))):
        canvas[rows, columns] = 0
    assert_seven(read_drawing(canvas))


@pytest.mark.parametrize(
    "array",
    [
        INK,
        INK.astype(np.int64),
        INK / 255,
        (INK / 255).astype(np.float16),
        INK[..., None],
        INK[None],
        np.dstack([INK * 0, INK]),
        CANVAS / 255,
        INK.tolist(),
    ],
)
def test_arrays_of_any_kind_give_the_same_ink(array):
    assert_seven(read_drawing(array), away=1)


def test_bool_arrays_are_full_ink_or_none():
    assert np.array_equal(read_drawing(INK > 127), (INK > 127) * 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16"])
def test_every_mode_of_a_pil_image_is_read(mode):
    image = Image.fromarray(painted(BLACK, WHITE))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
        assert image.mode == mode
    elif mode == "I":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.int32) * 257)
    else:
        image = image.convert(mode)
    assert_seven(read_drawing(image), away=4)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("JPEG", {"quality": 75}),
        ("JPEG", {"quality": 30}),
        ("WEBP", {"quality": 60}),
    ],
)
def test_files_by_path_bytes_and_open_file_are_read(tmp_path, kind, options):
    data = encoded(Image.fromarray(painted(BLACK, WHITE)), kind, **options)
    path = tmp_path / f"seven.{kind.lower()}"
    path.write_bytes(data)
    for source in (path, str(path), data, io.BytesIO(data)):
        assert_seven(read_drawing(source), away=4)


def test_16_bit_png_and_cmyk_jpeg_files_are_read():
    grey = painted(BLACK, WHITE)[..., 0]
    assert_seven(read_drawing(encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG")))
    cmyk = Image.fromarray(painted(BLACK, WHITE)).convert("CMYK")
    assert_seven(read_drawing(encoded(cmyk, "JPEG")), away=4)


def test_palette_png_with_a_transparent_colour_is_read():
    palette = Image.fromarray(painted(WHITE, BLACK)).quantize(8)
    data = encoded(palette, "PNG", transparency=palette.getpixel((0, 0)))
    assert_seven(read_drawing(data), away=8)


def test_a_photo_is_turned_as_its_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held a quarter turn: shown, the file turns clockwise
    lying = Image.fromarray(np.rot90(painted(BLACK, WHITE)))
    assert_seven(read_drawing(encoded(lying, "JPEG", exif=exif.tobytes())), away=4)


def test_of_an_animation_the_first_frame_counts():
    blank = Image.new("RGB", (280, 280), "white")
    first = Image.fromarray(painted(BLACK, WHITE))
    data = encoded(first, "PNG", save_all=True, append_images=[blank, blank])
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert_seven(read_drawing(data))


def test_paper_lit_from_one_side_with_grain_is_levelled():
    x, y = np.meshgrid(np.linspace(0, 1, 280), np.linspace(0, 1, 280))
    grain = np.random.default_rng(0).normal(0, 3, INK.shape)
    light = 230 - 70 * x - 40 * y + grain
    photo = np.clip(light - INK / 255 * 90, 0, 255).astype(np.uint8)
    ink = read_drawing(encoded(Image.fromarray(photo), "JPEG", quality=80))
    assert np.median(ink[INK > 200]) > 200
    assert (ink[INK == 0] > 0).mean() < 0.01


def test_grain_alone_is_not_ink():
    grain = np.random.default_rng(1).normal(0, 3, (200, 300, 3))
    paper = Image.fromarray((235 + grain).astype(np.uint8))
    assert not read_drawing(encoded(paper, "JPEG", quality=60)).any()


def test_strokes_that_reach_the_border_are_still_ink():
    cross = [np.array([[0, 140], [280, 140]]), np.array([[140, 0], [140, 280]])]
    cover = rasterise(cross)[..., 3]
    assert np.array_equal(read_drawing(255 - cover) > 127, cover > 127)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((9, 9), np.nan), "NaN"),
        (np.full((9, 9), -0.5), "from 0 to 1"),
        (np.full((9, 9), 200.0), "from 0 to 1"),
        (np.full((9, 9), 256), "from 0 to 255"),
        (np.zeros((0, 9), np.uint8), "no pixels"),
        (np.zeros(9, np.uint8), r"\[H, W\]"),
        (np.zeros((2, 3, 28, 28), np.uint8), r"\[2, 3, 28, 28\]"),
        (np.zeros((9, 9, 5), np.uint8), r"\[9, 9, 5\]"),
        (np.array(7, np.uint8), r"\[\]"),
        (np.array([["a", "b"]]), "numbers"),
        ([[1, 2], [3]], "array"),
        (np.zeros((9, 9), complex), "numbers"),
        (object(), "not object"),
        (28, "not int"),
    ],
)
def test_what_is_no_drawing_is_refused_with_what_is_allowed(array, words):
    with pytest.raises(DrawingError, match=words):
        read_drawing(array)


def test_an_untouched_canvas_is_an_empty_drawing():
    with pytest.raises(EmptyDrawingError, match="nothing drawn yet"):
        read_drawing(None)


def test_missing_foreign_and_truncated_files_are_named(tmp_path):
    whole = encoded(Image.fromarray(painted(BLACK, WHITE)), "PNG")
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.png").write_text("these are no pixels")
    (tmp_path / "empty.jpg").write_bytes(b"")
    Image.fromarray(INK).save(tmp_path / "scan.tiff")
    for name in ("cut.png", "notes.png", "empty.jpg", "scan.tiff", "missing.png", ".", "a\0b.png"):
        with pytest.raises(DrawingError, match="PNG, JPEG, WebP or BMP"):
            read_drawing(str(tmp_path / name))
    with pytest.raises(DrawingError, match=r"cut\.png"):
        read_drawing(tmp_path / "cut.png")


def test_damaged_bytes_never_raise_anything_but_a_drawing_error():
    rng = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "WEBP", "BMP"):
        data = np.frombuffer(encoded(Image.fromarray(painted(BLACK, WHITE)), kind), np.uint8)
        for _ in range(40):
            damaged = data.copy()
            damaged[rng.integers(0, min(400, len(data)), 4)] = rng.integers(0, 256, 4)
            with contextlib.suppress(DrawingError):
                read_pixels(damaged.tobytes())


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT"


@pytest.mark.parametrize("side", [6_000, 12_000, 60_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_many_pixels_are_refused_before_decoding(side):
    with pytest.raises(DrawingError, match="at most 25,000,000"):
        read_drawing(png_header(side, side))


def test_the_pixel_limit_is_the_hosts_to_set(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_PIXELS", "1000")
    for source in (INK, Image.fromarray(INK), encoded(Image.fromarray(INK), "PNG")):
        with pytest.raises(DrawingError, match="280 × 280 pixels; at most 1,000"):
            read_drawing(source)
