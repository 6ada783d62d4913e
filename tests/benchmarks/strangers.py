"""A stranger tries what strangers try, over loopback: bounded in count and time.

    python tests/benchmarks/strangers.py

prints a table: the attack, what it did before bounds were held, and what it does now. It starts a
server of its own with DIGITLAB_HOSTED=demo and a home of its own, and ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import http.cookiejar
import io
import json
import os
import resource
import shutil
import struct
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load, save
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

sys.path.insert(0, str(Path(__file__).parents[2]))

import digitlab as dl
from digitlab import quotas
from digitlab.analysis.leaderboard import rank_runs
from digitlab.data import own
from digitlab.data.collections import NewDrawing, keep_drawing, list_collections
from digitlab.data.reading.images import LabelledImages
from digitlab.drawing.strokes import check_strokes
from digitlab.errors import DigitlabError
from digitlab.exports.archive import pack_run
from digitlab.imports.archive import import_run
from digitlab.jobs import queue, retention
from digitlab.models.paste.read import read_code
from digitlab.owners import acting_for, owner_of
from digitlab.runs import store
from digitlab.visitors import DAY, count_bytes, root
from tests.benchmarks.serving import Served, serve
from tests.benchmarks.visitors import call, is_end, say
from tests.benchmarks.watching import processor_seconds

UPLOADS, UPLOAD_BYTES = 40, 20_000_000
NAMES = "held = [held] * 20\n" * 12
FUZZED = 120
SLOW_UPLOADS, SLOW_BYTES = 20, 19_000_000
COOKIES, DISK = 20, 80_000_000
TALKERS, TALK_BYTES = 20, 24_000_000
SWEPT = 60_000
CALLERS, FILES = 100, 256
LOADED_SECONDS = 20  # in which the server has loaded what it loads beside a first page


def main() -> None:
    """Every attack in turn; a row of the table for each."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ |= {"DIGITLAB_HOME": str(home), "DIGITLAB_HOSTED": "demo"}
        os.environ["DIGITLAB_WARM_WORKERS"] = "0"
        run = dl.train("logistic-regression", "optdigits", progress=False)
        dl.recognize(_paper(280))  # which loads what reads
        print("| attack | before | now |\n| --- | --- | --- |")
        for title, before, attack in ATTACKS:
            print(f"| {title} | {before} | {attack(run)} |", flush=True)
        with serve(str(home)) as served:
            print(f"| {UPLOADS} uploads of 20 MB that no page asked for | 1.7 GB | ", end="")
            print(f"{upload_unasked(served)} |", flush=True)
            print(f"| {SLOW_UPLOADS} uploads of 20 MB that do not end | 380 MB held | ", end="")
            print(f"{asyncio.run(upload_slowly(served))} |", flush=True)
            for title, before, attack in LONG_ATTACKS:
                print(f"| {title} | {before} | {asyncio.run(attack(served))} |", flush=True)
        with _few_files(), serve(str(home)) as served:
            answered = asyncio.run(call_in_crowds(served))
            title, before = f"{CALLERS} visitors where {FILES} files may be open", "60 answered"
            print(f"| {title} | {before} | {answered} |", flush=True)
        shutil.rmtree(home)
        kept = dl.list_runs(bundled=False)
        print(
            f"| home deleted under a running server | not noticed | made anew, {len(kept)} runs |"
        )


def outcome(attack: Callable[[], object]) -> str:
    """How an attack ended, and the seconds that it took."""
    began = time.perf_counter()
    try:
        attack()
        ended = "an answer"
    except DigitlabError:
        ended = "a sentence"
    except Exception as e:
        ended = f"**{type(e).__name__}**"
    return f"{ended}, {time.perf_counter() - began:.1f} s"


def paste_names(_run: dl.Run) -> str:
    text = f"import torch.nn as nn\nheld = [1]\n{NAMES}model = nn.Linear(held, 10)\n"
    return outcome(lambda: read_code(text))


def paste_classes(_run: dl.Run) -> str:
    """A class that makes itself, twice each time."""
    text = (
        "import torch.nn as nn\nclass N(nn.Module):\n def __init__(s):\n"
        "  super().__init__(); s.a=N(); s.b=N()\n def forward(s, x): return s.a(x)\nmodel=N()\n"
    )
    return outcome(lambda: read_code(text))


def read_large_photo(_run: dl.Run) -> str:
    """A noisy sheet with a stroke on it: 25 million pixels."""
    file = io.BytesIO()
    Image.fromarray(_paper(5_000)).save(file, "JPEG", quality=90)
    return f"{outcome(lambda: dl.recognize(file.getvalue()))} ({len(file.getvalue()) / 1e6:.1f} MB)"


def _paper(side: int) -> np.ndarray:
    """A noisy sheet with one stroke, uint8 [side, side, 3]."""
    rng = np.random.default_rng(0)
    grey = np.clip(200 + rng.normal(0, 18, (side, side)), 0, 255).astype(np.uint8)
    grey[side // 3 : 2 * side // 3, int(0.48 * side) : int(0.52 * side)] = 30
    return np.dstack([grey] * 3)


def read_thin_pictures(_run: dl.Run) -> str:
    """Pictures of 1 × N and N × 1, of noise, blank and transparent."""
    rng = np.random.default_rng(0)
    shapes = [(1, n) for n in (1, 2, 28, 5000)] + [(n, 1) for n in (2, 28, 5000)]
    pictures = [rng.integers(0, 256, (*shape, 4), np.uint8) for shape in shapes]
    pictures += [np.zeros((*shape, depth), np.uint8) for shape in shapes for depth in (3, 4)]
    return count(pictures, dl.recognize)


def read_no_strokes(_run: dl.Run) -> str:
    return count([3, [3], [None], ["ab"], [[[1], [2]]], [float]], check_strokes)


def import_mutated(run: dl.Run) -> str:
    """ZIPs of a run whose entries lie elsewhere than their directory says, or are cut short."""
    rng, packed = np.random.default_rng(0), pack_run(run)
    entry = packed.index(b"PK\x01\x02")
    zips = []
    for number in range(FUZZED):
        content = bytearray(packed)
        if number % 3 == 0:
            struct.pack_into("<I", content, entry + 42, int(rng.integers(2**32)))
        elif number % 3 == 1:
            content = content[: int(rng.integers(len(content)))]
        else:
            content[int(rng.integers(len(content)))] ^= 255
        zips.append(bytes(content))
    return count(zips, import_run)


def count(items: list[object], read: Callable[[object], object]) -> str:
    """How many of the items ended in an answer, in a sentence and in an unexpected exception."""
    ends = {"answers": 0, "sentences": 0, "exceptions": 0}
    for item in items:
        try:
            read(item)
            ends["answers"] += 1
        except DigitlabError:
            ends["sentences"] += 1
        except Exception:
            ends["exceptions"] += 1
    return ", ".join(f"{number} {end}" for end, number in ends.items() if number)


def boast(run: dl.Run) -> str:
    """A ZIP whose predictions are all right, whatever its weights say."""
    with zipfile.ZipFile(io.BytesIO(pack_run(run))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    told = load(files["predictions.safetensors"])
    for split in ("val", "test"):
        told[f"{split}_logits"] = 20.0 * told[f"{split}_labels"][:, None].eq(
            told[f"{split}_labels"].new_tensor(range(10))
        )
    files["predictions.safetensors"] = save(told)
    record = json.loads(files["record.json"])
    shown = []
    for fingerprint in (record["data"]["fingerprint"], "0" * 16):
        record["data"]["fingerprint"] = fingerprint
        files["record.json"] = json.dumps(record).encode()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        again = import_run(buffer.getvalue())
        ranked = [row.record.id for row in rank_runs(run.record.dataset)]
        place = f"claimed, place {ranked.index(again.id) + 1} of {len(ranked)}"
        stands = place if again.record.claimed else "as its weights read"
        shown.append(f"{100 * again.record.test_accuracy:.1f} % {stands}")
    return "; of data that is not here ".join(shown)


def fill_the_disk(_run: dl.Run) -> str:
    """Many cookies, each with datasets up to its share; and somebody who came back last week."""
    os.environ["DIGITLAB_MAX_DISK"], quotas.COUNTED_SECONDS = str(DISK), 1e-9
    regular, drawing = owner_of("regular"), NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
    with acting_for(regular):
        keep_drawing("mine", drawing)
    for name, days in (("first", 7), ("seen", 4)):
        then = time.time() - days * DAY
        os.utime(root() / regular / name, (then, then))
    pixels = np.random.default_rng(0).integers(0, 256, (6_000, 1, 28, 28), np.uint8)
    images = LabelledImages("noise", pixels, np.arange(6_000) % 10, tuple("0123456789"), ())
    refused = 0
    for number in range(COOKIES):
        with acting_for(owner_of(f"cookie {number}")):
            try:
                own.add_images("noise", images)
            except DigitlabError:
                refused += 1
    taken = count_bytes()
    retention.clear()
    with acting_for(regular):
        kept = len(list_collections())
    del os.environ["DIGITLAB_MAX_DISK"]
    shutil.rmtree(root())
    return (
        f"{taken / 1e6:.0f} of {DISK / 1e6:.0f} MB taken, {refused} sentences; who was here "
        f"before {'keeps' if kept else '**loses**'} theirs"
    )


def import_long_curves(run: dl.Run) -> str:
    """A ZIP with small weights and a history of megabytes, by who may keep 1 MB."""
    with zipfile.ZipFile(io.BytesIO(pack_run(run))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    history = json.loads(files["history.json"])
    rows = [{**history["steps"][0], "step": step} for step in range(40_000)]
    files["history.json"] = json.dumps({**history, "steps": rows}).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    os.environ["DIGITLAB_VISITOR_DISK"] = "1000000"
    try:
        with acting_for(owner_of("somebody")):
            return outcome(lambda: import_run(buffer.getvalue()))
    finally:
        del os.environ["DIGITLAB_VISITOR_DISK"]


def set_clock_back(run: dl.Run) -> str:
    """A run that is said to have started in an hour, and whose process is dead."""
    values = run.record.changed(id=f"{run.id}-late", status="running", started=time.time() + 3_600)
    store.add_run(values)
    queue.mark_interrupted()
    return store.get_record(values.id).status


def upload_unasked(served: Served) -> str:
    """How much larger the server is after many uploads to a session that asked for none."""
    before, after, taken = asyncio.run(_upload(served))
    return f"{(after - before) / 1e6:.0f} MB more, {taken} taken"


async def _upload(served: Served) -> tuple[int, int, int]:
    """Bytes of the server before and after, and how many uploads were taken."""
    async with call(served.url) as socket:
        session = await _begin(socket)
        await asyncio.sleep(LOADED_SECONDS)
        before = resident(served.process_id)
        taken = await asyncio.to_thread(_put_files, served.url, session)
        return before, resident(served.process_id), taken


def _opening(page: str = "", query: str = "") -> bytes:
    """What a browser says that opens a page."""
    opening = BackMsg()
    opening.rerun_script.page_name, opening.rerun_script.query_string = page, query
    return opening.SerializeToString()


async def _begin(socket: ClientConnection) -> str:
    """The id of a new session."""
    await socket.send(_opening())
    while True:
        heard = ForwardMsg.FromString(await asyncio.wait_for(socket.recv(), 60))
        if heard.WhichOneof("type") == "new_session":
            return heard.new_session.initialize.session_id


async def upload_slowly(served: Served) -> str:
    """How much the server takes of files whose last bytes never come."""
    async with call(served.url) as socket:
        session = await _begin(socket)
        return await asyncio.to_thread(_put_slowly, served.url, session)


def _put_slowly(url: str, session: str) -> str:
    token, held, refused, sockets = _token(url)[1], 0, 0, []
    place = urllib.parse.urlsplit(url)
    for number in range(SLOW_UPLOADS):
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=1)
        sockets.append(connection)
        connection.putrequest("PUT", f"/_stcore/upload_file/{session}/slow-{number}")
        head = {"Content-Type": KIND, "X-Xsrftoken": token, "Cookie": f"_streamlit_xsrf={token}"}
        for name, value in {**head, "Content-Length": str(UPLOAD_BYTES)}.items():
            connection.putheader(name, value)
        try:
            connection.endheaders()
            connection.send(HEAD + bytes(SLOW_BYTES))
            connection.getresponse()
            refused += 1
        except TimeoutError:  # it waits for the rest
            held += 1
        except (OSError, http.client.HTTPException):  # it ended the connection
            refused += 1
    for connection in sockets:
        connection.close()
    return f"{held * SLOW_BYTES / 1e6:.0f} MB held, {refused} refused"


async def talk_at_length(served: Served) -> str:
    """How much larger the server is after sessions that each send a long text that nobody wants."""
    said = BackMsg()
    said.rerun_script.widget_states.widgets.add(id="nothing", string_value="x" * TALK_BYTES)
    before, refused = resident(served.process_id), 0
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(TALKERS):
            socket = await stack.enter_async_context(call(served.url))
            await say(socket, [_opening()])
            try:
                await say(socket, [said.SerializeToString()])
            except ConnectionClosed:
                refused += 1
    more = resident(served.process_id) - before
    return f"{more / 1e6:.0f} MB more, {refused} connections ended"


async def draw_at_length(served: Served) -> str:
    """Processor seconds for as long a drawing as the server takes."""
    for points in (300_000, 90_000):
        corners = np.random.default_rng(0).uniform(0, 280, (points, 2)).round(1).tolist()
        path = [["M", 0, 0], *(["L", x, y] for x, y in corners)]
        drawing = {"raw": {"objects": [{"type": "Path", "path": path, "strokeWidth": 18}]}}
        content = json.dumps({"drawing": drawing})
        before = processor_seconds(served.process_id)
        try:
            async with call(served.url) as socket:
                canvas = await _find_canvas(socket)
                said = BackMsg.FromString(_opening("Draw"))
                said.rerun_script.widget_states.widgets.add(id=canvas, json_value=content)
                await say(socket, [said.SerializeToString()])
        except ConnectionClosed:
            continue
        used = processor_seconds(served.process_id) - before
        return f"{used:.1f} s for {points:,}, which are taken ({len(content) / 1e6:.1f} MB)"
    return "**none is taken**"


async def _find_canvas(socket: ClientConnection) -> str:
    """Open the Draw page; the id of its canvas."""
    await socket.send(_opening("Draw"))
    canvas = ""
    while not is_end(heard := await asyncio.wait_for(socket.recv(), 60)):
        component = ForwardMsg.FromString(heard).delta.new_element.bidi_component
        canvas = component.id if component.id.endswith("canvas:0:280") else canvas
    return canvas


async def sweep_at_length(served: Served) -> str:
    """Processor seconds for a link that asks for very many runs."""
    values = ",".join(map(str, range(SWEPT)))
    before = processor_seconds(served.process_id)
    async with call(served.url) as socket:
        await say(socket, [_opening("Train", f"several=1&seed={values}")])
    return f"{processor_seconds(served.process_id) - before:.1f} s"


async def call_in_crowds(served: Served) -> str:
    """How many of those who stay are answered."""
    answered = 0
    async with contextlib.AsyncExitStack() as stack:
        await say(await stack.enter_async_context(call(served.url)), [_opening()])
        for _ in range(CALLERS):
            with contextlib.suppress(OSError, ConnectionClosed):
                await _begin(await stack.enter_async_context(call(served.url)))
                answered += 1
    return f"{answered} answered"


@contextlib.contextmanager
def _few_files() -> Iterator[None]:
    """As a shell does that bounds how many files its programs have open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


KIND = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'


def _token(url: str) -> tuple[urllib.request.OpenerDirector, str]:
    """What opens addresses of the server with its cookies, and the one against forgery."""
    cookies = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    opener.open(f"{url}_stcore/health").close()
    return opener, next(cookie.value for cookie in cookies if cookie.name == "_streamlit_xsrf")


def _put_files(url: str, session: str) -> int:
    opener, token = _token(url)
    body = HEAD + bytes(UPLOAD_BYTES) + b"\r\n--b--\r\n"
    kind = {"Content-Type": KIND, "X-Xsrftoken": token}
    taken = 0
    for number in range(UPLOADS):
        address = f"{url}_stcore/upload_file/{session}/file-{number}"
        request = urllib.request.Request(address, body, kind, method="PUT")
        with contextlib.suppress(urllib.error.HTTPError):
            opener.open(request, timeout=30).close()
            taken += 1
    return taken


def resident(process_id: int) -> int:
    """Bytes of memory that a process holds (Linux)."""
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


ATTACKS = [
    ("a list of 20 times the same list, 12 times over, pasted", "21 s and more", paste_names),
    ("a class that makes itself twice, pasted", "7 s", paste_classes),
    ("a photo of 25 million pixels", "14 s, 1.3 GB", read_large_photo),
    ("pictures of 1 × N and N × 1", "`RuntimeError`", read_thin_pictures),
    ("strokes that are none", "`TypeError`", read_no_strokes),
    (f"{FUZZED} mutated ZIPs of a run", "`ValueError`, 15 times", import_mutated),
    ("a ZIP whose predictions boast", "100 %, place 1", boast),
    ("a ZIP with curves of megabytes, by who may keep 1 MB", "an answer", import_long_curves),
    (
        f"{COOKIES} cookies that keep 5 MB each",
        "76 MB taken; who was here before loses theirs",
        fill_the_disk,
    ),
    ("a clock set back under a dead run", "running", set_clock_back),
]
LONG_ATTACKS = [
    (f"{TALKERS} visitors who send {TALK_BYTES / 1e6:.0f} MB each", "965 MB more", talk_at_length),
    ("a drawing of 300,000 points", "5.8 s of the processor", draw_at_length),
    (f"a sweep of {SWEPT:,} values", "11.5 s of the processor", sweep_at_length),
]

if __name__ == "__main__":
    main()
